import "./phone/phone-app";

const app = document.createElement("rd-phone");
document.getElementById("app")?.replaceChildren(app);
