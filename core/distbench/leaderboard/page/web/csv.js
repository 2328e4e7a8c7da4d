/* The table as it is shown, as a file of comma-separated values. */
import { NONE, complete, isNone, rankText } from "./format.js";
import { table } from "./table.js";

/* Values of a measure come as whole numbers of 1e-5; in percent they have three digits more. */
const exact = (board, value) =>
  isNone(value) ? "" : Number((value / (board.percent ? 1e3 : 1e5)).toFixed(5));
const plain = (value) => (isNone(value) || value === NONE ? "" : value);

/* What a column becomes: one column or more of a file. */
function partsOf(board, column) {
  const head = column.name ? `${column.title} ${column.name}` : column.title;
  const pair = (values, halves) => [
    [head, (i) => exact(board, values[i])],
    [`${head} ±`, (i) => exact(board, halves(i))],
  ];
  if (column.form === "rank") return [[head, (i) => rankText(board, i)]];
  if (column.form === "method") {
    const evidence = board.evidence ? [["Evidence", (i) => board.evidence[i]]] : [];
    return [[head, (i) => board.method[i]], ...evidence];
  }
  if (column.form === "mean") {
    const whole = (values) => board.method.map((_, i) => (complete(board, i) ? values[i] : null));
    return pair(whole(board.mean), (i) => whole(board.meanHalf)[i]);
  }
  if (column.form === "difference") return pair(column.values, (i) => table.difference.half[i]);
  if (column.task !== null) return pair(column.values, (i) => board.taskHalf[i][column.task]);
  return [[head, (i) => plain(column.values[i])]];
}
/* Text that a spreadsheet would take for a formula is marked as text. */
function quoted(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : `${value}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
export function csvText() {
  const { board } = table;
  const parts = table.columns.flatMap((column) => partsOf(board, column));
  const lines = table.shown.map((i) => parts.map(([, value]) => value(i)));
  return [parts.map(([head]) => head), ...lines]
    .map((cells) => `${cells.map(quoted).join(",")}\r\n`)
    .join("");
}
export function saveCsv() {
  const file = new Blob([csvText()], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${table.board.label.replace(/[^\w.-]+/g, "-")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
