// Single keys on the inbox and on a case: what has data-key is focused or pressed, j and k walk over the rows of a list.
// Nothing needs it: every link and field is there without. It reads no content and sends nothing.
"use strict";
document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (writes || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const rows = Array.from(document.querySelectorAll("[data-row]"));
  const step = { j: 1, k: -1 }[event.key];
  if (rows.length && step) {
    const tr = event.target.closest("tr");
    const at = rows.findIndex((row) => tr && tr.contains(row));
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
  } else if (event.key === "o" && event.target.matches("[data-row]")) {
    event.target.click();
  } else {
    const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!found) return;
    if (found.matches("a")) found.click();
    else found.focus();
  }
  event.preventDefault();
});
