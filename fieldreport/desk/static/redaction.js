// Marking an area by dragging. Nothing needs it: two clicks, or four numbers, do the same. It reads no content.
"use strict";
for (const picture of document.querySelectorAll("[data-drag]")) {
  const form = picture.form;
  const area = picture.parentElement.querySelector("[data-area]");
  let from = null;
  let dragged = false;
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map(Math.round);
  };
  const far = (to) => from && Math.abs(to[0] - from[0]) > 4 && Math.abs(to[1] - from[1]) > 4;
  const draw = (to) => {
    area.setAttribute("x", Math.min(from[0], to[0]));
    area.setAttribute("y", Math.min(from[1], to[1]));
    area.setAttribute("width", Math.abs(to[0] - from[0]));
    area.setAttribute("height", Math.abs(to[1] - from[1]));
  };
  picture.addEventListener("dragstart", (event) => event.preventDefault());
  picture.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button !== 0 || event.pointerType === "touch") return;
    from = at(event);
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => {
    if (far(at(event))) draw(at(event));
  });
  picture.addEventListener("pointercancel", () => { from = null; });
  picture.addEventListener("pointerup", (event) => {
    const to = at(event);
    if (far(to)) {
      dragged = true;
      form.elements.drag.value = [...from, ...to].join(" ");
      form.requestSubmit();
    }
    from = null;
  });
  picture.addEventListener("click", (event) => {
    if (dragged) event.preventDefault();
  });
}
