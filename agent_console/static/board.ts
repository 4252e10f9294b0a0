import "./board/board-app";

const app = document.createElement("rd-board");
document.getElementById("app")?.replaceChildren(app);
