// On a page with a form in which somebody writes: a link or a closed window asks first. Every button of the page keeps
// what is typed without this; a link cannot. It reads nothing but whether a field was changed, and sends nothing.
"use strict";
let sent = false;
document.addEventListener("submit", () => { sent = true; });
window.addEventListener("beforeunload", (event) => {
  const fields = Array.from(document.querySelectorAll("textarea"));
  if (!sent && fields.some((field) => field.value !== field.defaultValue)) event.preventDefault();
});
