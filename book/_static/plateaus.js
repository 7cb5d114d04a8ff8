// A formula or table wider than its column scrolls; whoever has no mouse reaches it with the keyboard.
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  for (const wide of document.querySelectorAll("article :is(mjx-container, pre, table, .cell_output)")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
});
