// On a narrow page a formula that is too wide gets smaller, down to this share of its size.
const SMALLEST = 0.6;
const NARROW = 1000;
// Pixels that letters may lean out of a formula, and that a full stop behind it needs.
const LEAN = 8;
const SIGNS = 14;
const INTERVAL = /\[[-+\d.,%]+, [-+\d.,%]+\]/g;
const VALUE = /(?:[-+]?[\d.,]+%? )?\[[-+\d.,%]+, [-+\d.,%]+\]|\bn = [\d,]+\b/g;

function fitting() {
  const formulas = [...document.querySelectorAll("article mjx-container")];
  for (const formula of formulas) {
    formula.dataset.size ??= formula.style.fontSize;
    formula.style.fontSize = formula.dataset.size;
  }
  if (window.innerWidth >= NARROW) return;
  // All widths are read before any is changed: the page is laid out once.
  const shares = formulas.map(room);
  formulas.forEach((formula, place) => {
    if (!(shares[place] < 1)) return;
    const whole = parseFloat(formula.dataset.size) || 100;
    formula.style.fontSize = `${Math.floor(whole * Math.max(SMALLEST, shares[place]))}%`;
  });
}

// The share of a formula's width that its column has.
function room(formula) {
  if (formula.hasAttribute("display")) return formula.clientWidth / (formula.scrollWidth - 1);
  const column = formula.closest("p, li, td, th, dd, h1, h2, h3, figcaption")?.clientWidth ?? 0;
  // A cell of a table is as wide as what is in it.
  const beside = formula.closest("td, th") ? -1 : LEAN + (formula.closest(".together") ? SIGNS : 0);
  return (column - beside) / formula.scrollWidth;
}

// A number and its interval are one word, and so is what they rest on; in a cell the interval alone.
function intervals() {
  for (const output of document.querySelectorAll("article .cell_output pre")) {
    output.innerHTML = output.innerHTML.replace(VALUE, '<span class="together">$&</span>');
  }
}

// A long name in a table breaks between its words.
function names() {
  for (const code of document.querySelectorAll("article td code")) {
    const parts = code.querySelectorAll(".pre");
    for (const part of parts.length ? parts : [code]) {
      if (!part.children.length) part.innerHTML = part.innerHTML.replace(/\w[._](?=\w)/g, "$&<wbr>");
    }
  }
}

// A line of code or output that is too long for the page goes on further to the right than it began.
function lines() {
  for (const block of document.querySelectorAll("article pre:not(.columns)")) {
    const found = block.innerHTML.replace(/\n$/, "").split("\n");
    // What is coloured as one thing over several lines cannot be cut between them.
    if (found.some((line) => line.split("<").length - 1 !== 2 * (line.split("</").length - 1))) continue;
    block.innerHTML = found.map((line) => {
      const indent = line.replace(/<[^>]*>/g, "").search(/\S|$/) + 2;
      return `<span class="line" style="padding-left:${indent}ch;text-indent:-${indent}ch">${line}\n</span>`;
    }).join("");
  }
}

// A formula or table wider than its column scrolls; whoever has no mouse reaches it with the keyboard.
function reachable() {
  for (const wide of document.querySelectorAll("article :is(mjx-container, pre, table, .cell_output)")) {
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  }
}

// Numbers of a cell's table stand under each other, and a cell is one line where there is room.
function numbers() {
  for (const table of document.querySelectorAll("article table.dataframe:not(.provenance)")) {
    for (const cell of table.querySelectorAll("td")) {
      if (!cell.children.length) cell.innerHTML = cell.innerHTML.replace(INTERVAL, '<span class="together">$&</span>');
    }
    const cells = [...table.querySelectorAll("td")].map((cell) => cell.textContent);
    table.classList.toggle("numbers", cells.every((words) => /^[-+−–\d.,%\s[\]]*$/.test(words)));
    table.classList.add("whole");
    table.classList.toggle("whole", table.scrollWidth <= table.clientWidth);
  }
}

function arrange() {
  fitting();
  numbers();
  fitTables();
  fitColumns();
  reachable();
}

window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts?.ready;
  intervals();
  names();
  columns();
  lines();
  arrange();
  // Letters of a formula may come later than the formula, and are wider than what stood for them.
  document.fonts?.addEventListener("loadingdone", arrange);
});
// Widths are known anew when the window changes or a folded part opens.
window.addEventListener("resize", arrange);
document.addEventListener("toggle", arrange, true);
