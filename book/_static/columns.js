// On a phone output in columns keeps its columns: gaps shrink to two blanks, letters as far as they can
// still be read; what is too wide even then goes on in the next line. Tables get smaller in the same way.
const PHONE = 600;
const LEAST = 9;
const DESK = 10.5;
const IN_COLUMNS = /\S(?: {3,}| {2,}[-\d[]).*\S/;
const MOST = 2 / 3;
const GAP = 2;
const LONG = 60;

// Which outputs have columns; they keep what they are on a wide page.
function columns() {
  for (const output of document.querySelectorAll("article .cell_output pre")) {
    const found = output.textContent.split("\n").filter((line) => IN_COLUMNS.test(line));
    if (found.length < 2) continue;
    output.classList.add("columns");
    output.whole = { html: output.innerHTML, text: output.textContent };
    output.shown = output.innerHTML;
  }
}

function fitColumns() {
  for (const output of document.querySelectorAll("article pre.columns")) {
    output.style.fontSize = "";
    if (window.innerWidth > PHONE) {
      show(output, output.whole.html);
      continue;
    }
    const lines = squeezed(output.whole.text.replace(/\n$/, "").split("\n"));
    show(output, lines.map(hanging).join(""));
    output.style.fontSize = sized(output, lines.filter((line) => IN_COLUMNS.test(line)).map((line) => line.length));
  }
}

// What is shown already stays, and so does what a reader has marked in it.
function show(output, html) {
  if (output.shown === html) return;
  output.innerHTML = html;
  output.shown = html;
}

// The lines with as few blanks between their columns as keep these apart.
function squeezed(lines) {
  const rows = lines.filter((line) => IN_COLUMNS.test(line));
  const width = Math.max(...rows.map((line) => line.length));
  const kept = [];
  let blanks = 0;
  for (let place = 0; place < width; place++) {
    blanks = rows.every((line) => (line[place] ?? " ") === " ") ? blanks + 1 : 0;
    if (blanks <= GAP) kept.push(place);
  }
  return lines.map((line) => (IN_COLUMNS.test(line) ? kept.map((place) => line[place] ?? "").join("") : line));
}

function hanging(line) {
  const indent = line.search(/\S|$/) + 2;
  const safe = line.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(VALUE, '<span class="together">$&</span>');
  return `<span class="line" style="padding-left:${indent}ch;text-indent:-${indent}ch">${safe}\n</span>`;
}

// The size at which most lines, of so many letters each, fill the width; none where it would be too small.
function sized(output, lengths) {
  const style = getComputedStyle(output);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `100px ${style.fontFamily}`;
  const room = output.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 1;
  const size = (letters) => Math.floor((1000 * room) / (letters * pen.measureText("0").width)) / 10;
  const whole = lengths.filter((letters) => size(letters) >= LEAST);
  if (whole.length < MOST * lengths.length) return "";
  const found = size(Math.max(...whole));
  return found < parseFloat(style.fontSize) ? `${found}px` : "";
}

// A table gets smaller where that makes it fit. Of a wider one with long words each row is a list; one of
// numbers scrolls, and keeps its first column in sight.
function fitTables() {
  for (const table of document.querySelectorAll("article table:not(.provenance)")) {
    const box = table.closest(".pst-scrollable-table-container") ?? table;
    table.style.fontSize = "";
    table.classList.remove("wide", "listed", "tight");
    if (!box.clientWidth || box.scrollWidth <= box.clientWidth) continue;
    const phone = window.innerWidth <= PHONE;
    table.classList.add("tight");
    const whole = parseFloat(getComputedStyle(table).fontSize);
    for (let size = whole; box.scrollWidth > box.clientWidth && size > (phone ? LEAST : DESK); size -= 0.5) {
      table.style.fontSize = `${size}px`;
    }
    if (box.scrollWidth <= box.clientWidth) continue;
    table.style.fontSize = "";
    table.classList.remove("tight");
    if (!phone || table.querySelector("[rowspan]")) continue;
    const long = [...table.querySelectorAll("tbody td")].some((cell) => cell.textContent.length > LONG);
    table.classList.add(long ? "listed" : "wide");
    if (long) label(table);
  }
}

// What stands over a column stands before each of its cells.
function label(table) {
  const heads = [...table.querySelectorAll("thead :is(th, td)")].map((head) => head.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.children].forEach((cell, place) => { cell.dataset.head = heads[place] ?? ""; });
  }
}
