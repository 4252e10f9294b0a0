import "./desk/desk-app";

const app = document.createElement("rd-desk");
document.getElementById("app")?.replaceChildren(app);
