// A formula or table wider than its column scrolls; whoever has no mouse reaches it with the keyboard.
function reachable() {
  for (const wide of document.querySelectorAll("article :is(mjx-container, pre, table, .cell_output)")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
}
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts?.ready;
  reachable();
});
// Widths are known anew when the window changes or a folded part opens.
window.addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
