/* The table of methods: sorted numbers first, then only as many rows as are looked at. */
import { adjustedText, differences } from "./against.js";
import { byId, headName, link, lookedElsewhere, make, named, put } from "./elements.js";
import { evidenceBadge } from "./evidence.js";
import {
  NONE,
  amount,
  complete,
  half,
  isNone,
  number,
  pText,
  plural,
  points,
  rankText,
  scaleOf,
  size,
  strip,
} from "./format.js";

export const PAGE = 50;

/* What a cell holds, by the form of its column. */
const CELLS = {
  rank: (board, i) => rankText(board, i),
  method: (board, i) => [
    make("a", { href: link("method", board.method[i], board.index) }, named(board.method[i])),
    board.overlap[i]
      ? make("span", { class: "tag", title: "Some sources saw the task" }, "overlap")
      : null,
    evidenceBadge(board, i),
  ],
  mean: (board, i) =>
    complete(board, i)
      ? [
          make("span", { class: board.best === i ? "best" : null }, amount(board.mean[i])),
          half(board.meanHalf[i]),
          strip(board.mean[i], board.meanHalf[i], table.scale, board.role[i]),
        ]
      : make("span", { class: "pm" }, `${board.coverage[i].join(" of ")} cells`),
  difference: (board, i, { values }) => {
    const { half: halves, p } = table.difference;
    const sure = p[i] !== null && p[i] < 0.05;
    const cells = board.compared[i];
    return [
      make(
        "span",
        { class: sure ? (board.sign * values[i] > 0 ? "up" : "down") : null },
        points(values[i]),
      ),
      half(halves[i]),
      board.against === null && cells && cells < table.mostCells
        ? make("span", { class: "pm", title: "Cells that both have" }, ` ${cells} cells`)
        : null,
    ];
  },
  p: (board, i, { values }) => pText(values[i]),
  decimal: (board, i, column) => (isNone(column.values[i]) ? NONE : column.values[i].toFixed(1)),
  wins: (board, i, column) =>
    isNone(column.values[i]) ? NONE : `${Math.round(100 * column.values[i])}%`,
  share: (board, i, column) =>
    isNone(column.values[i]) ? NONE : (100 * column.values[i]).toFixed(1),
  size: (board, i, column) => size(column.values[i]),
  number: (board, i, column) => number(column.values[i]),
  task: (board, i, { task, best, values }) => [
    make("span", { class: board.rank[i] && values[i] === best ? "best" : null }, amount(values[i])),
    half(board.taskHalf[i][task]),
    values[i] !== null && board.seedsOf[i][task].length < board.seeds.length
      ? make("span", { class: "pm" }, ` ${board.seedsOf[i][task].length}/${board.seeds.length}`)
      : null,
  ],
};
/* The columns that the data name, with the values that they are sorted by. */
function columnsOf(board) {
  return headsOf(board).map((column) => {
    if (column.form === "rank") return { ...column, values: board.method.map((_, i) => i) };
    if (column.key === "delta") return { ...column, values: table.difference.delta };
    if (column.key === "p_holm") return { ...column, values: table.difference.p };
    if (column.task === null) return { ...column, values: board[column.key] };
    const values = board.task.map((row) => row[column.task]);
    const ranked = values.filter((v, i) => board.rank[i] && v !== null);
    const best = board.sign > 0 ? Math.max(...ranked) : Math.min(...ranked);
    return { ...column, title: board.tasks[column.task], values, best };
  });
}
/* Against another method than the baseline there are the results of all pairs, and no others. */
function headsOf(board) {
  if (board.against === null) return board.columns;
  const own = ["delta", "p_holm", "p_flip", "win_rate"];
  const kept = board.columns.filter((column) => !own.includes(column.key));
  const hint = `p is ${adjustedText(board)}`;
  const head = { first: -board.sign, hint, task: null };
  const after = kept.findIndex((column) => column.key === "mean") + 1;
  const name = table.difference.name;
  kept.splice(
    after,
    0,
    { ...head, key: "delta", title: "vs", form: "difference", name },
    { ...head, key: "p_holm", title: "p (all pairs)", form: "p", first: 1, name: "" },
  );
  return kept;
}

const USUAL = { key: "rank", direction: 1 };

export const table = {
  board: null,
  columns: [],
  scale: [],
  difference: null,
  mostCells: 0,
  sort: USUAL,
  shown: [],
  drawn: 0,
};

export function showBoardTable(board) {
  table.board = board;
  table.difference = differences(board);
  table.columns = columnsOf(board);
  const all = board.method.map((_, i) => i);
  table.scale = scaleOf(board, all, board.mean, board.meanHalf);
  table.mostCells = Math.max(...board.compared);
  table.sort = USUAL;
  const heads = table.columns.map((c) =>
    make(
      "th",
      {
        scope: "col",
        class: isLeft(c) ? "left" : c.task === null ? null : "task",
        title: c.hint || null,
        "data-key": c.key,
      },
      c.task === null
        ? make("button", { type: "button", onclick: () => sortBy(c.key) }, titleOf(c))
        : [
            taskLink(board, c.task),
            "\u00a0",
            make("button", {
              type: "button",
              "aria-label": `Sort by ${c.title}`,
              onclick: () => sortBy(c.key),
            }),
            groupMark(board, c.task),
          ],
    ),
  );
  table.body = make("tbody");
  put(
    byId("methods"),
    make(
      "caption",
      { class: "unseen" },
      `Methods of ${board.label} by ${board.measure}; the columns can be sorted`,
    ),
    make("thead", null, make("tr", null, heads)),
    table.body,
  );
}
const isLeft = (column) => column.form === "rank" || column.form === "method";
const classOf = (column) =>
  isLeft(column) ? "left" : column.task === null && column.form !== "difference" ? null : "stack";
const titleOf = (column) => (column.name ? [`${column.title} `, named(column.name)] : column.title);
const taskLink = (board, task) =>
  make(
    "a",
    { href: link("task", board.tasks[task], board.index), class: "name", title: board.tasks[task] },
    headName(board.tasks[task]),
  );
/* The group of a task that is not alone in it. */
function groupMark(board, task) {
  const others = board.tasks.filter((_, t) => t !== task && board.groups[t] === board.groups[task]);
  const title = `Counts as one with ${others.join(", ")}`;
  return others.length ? make("span", { class: "group", title }, board.groups[task]) : null;
}

function sortBy(key) {
  const column = table.columns.find((c) => c.key === key);
  table.sort = { key, direction: table.sort.key === key ? -table.sort.direction : column.first };
  showRows(table.shown);
  lookedElsewhere();
}
/* The order, as [["sort", KEY or -KEY]]; none where it is the usual one. */
export const chosenSort = () =>
  table.sort.key === USUAL.key && table.sort.direction === USUAL.direction
    ? []
    : [["sort", `${table.sort.direction < 0 ? "-" : ""}${table.sort.key}`]];
export function chooseSort(text) {
  const [, sign, key] = /^(-?)(.*)$/.exec(text ?? "");
  const known = table.columns.some((column) => column.key === key);
  table.sort = known ? { key, direction: sign ? -1 : 1 } : USUAL;
  showRows(table.shown);
}
/* Indices in the order asked for; what has no value is last either way. */
function sorted(indices) {
  const { values } = table.columns.find((c) => c.key === table.sort.key);
  const { direction } = table.sort;
  const text = typeof values[0] === "string";
  return [...indices].sort((a, b) => {
    const x = values[a],
      y = values[b];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    if (text) return direction * (x < y ? -1 : x > y ? 1 : 0);
    return direction * (x - y) || a - b;
  });
}
export function showRows(indices) {
  table.shown = sorted(indices);
  table.drawn = 0;
  table.body.replaceChildren();
  for (const head of document.querySelectorAll("#methods thead th"))
    if (head.dataset.key === table.sort.key)
      head.setAttribute("aria-sort", table.sort.direction > 0 ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  byId("methods").setAttribute("aria-rowcount", table.shown.length + 1);
  byId("methods").parentNode.classList.toggle("tall", table.shown.length > 25);
  drawRows(PAGE);
}
export function drawRows(count) {
  const part = document.createDocumentFragment();
  const end = Math.min(table.drawn + count, table.shown.length);
  for (let n = table.drawn; n < end; n++) part.append(rowOf(table.shown[n], n));
  table.drawn = end;
  table.body.append(part);
  const rest = table.shown.length - end;
  byId("more").hidden = rest === 0;
  byId("more").textContent = `Show the other ${plural(rest, "method")}`;
}
function rowOf(i, n) {
  const { board, sort } = table;
  const before = n ? table.shown[n - 1] : null;
  const starts =
    sort.key === "rank" && before !== null && String(board.rank[i]) !== String(board.rank[before]);
  return make(
    "tr",
    { class: starts ? "start" : null, "aria-rowindex": n + 2 },
    table.columns.map((c) => {
      const isHeader = c.form === "method";
      const unranked = c.form === "rank" && !board.rank[i] ? rankText(board, i) : null;
      return make(
        isHeader ? "th" : "td",
        { class: unranked ?? classOf(c), scope: isHeader ? "row" : null },
        CELLS[c.form](board, i, c),
      );
    }),
  );
}
