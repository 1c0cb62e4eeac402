// On a page with a form in which somebody writes: a link or a closed window asks first. Every button of the page keeps
// what is typed without this; a link cannot. It reads nothing but whether a field was changed, and sends nothing.
"use strict";
let sent = false;
document.addEventListener("submit", (event) => { sent = event.target.id === "write"; });
window.addEventListener("beforeunload", (event) => {
  const fields = Array.from(document.getElementById("write").elements);
  const written = fields.filter((field) => field.type === "textarea" || field.type === "text");
  if (!sent && written.some((field) => field.value !== field.defaultValue)) event.preventDefault();
});
