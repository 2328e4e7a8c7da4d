/* Every ranked method against every other, and any two by task. */
import { adjustedText, byTask, isGrouped, overGroups, pairOf, verdict } from "./against.js";
import { byId, link, lookedElsewhere, make, named, put, scrolled, tableOf } from "./elements.js";
import { NONE, amount, headOf, inPoints, pText, plural, points, strip } from "./format.js";

const NUMBERS_FIT = 24;
const WORDS = { 1: "shown to be better", 0: "nothing shows which is better", "-1": "shown worse" };

export function pairsPart(board) {
  const body = [];
  if (!board.pairs) {
    const ranked = board.rank.filter(Boolean).length;
    body.push(
      make(
        "p",
        { class: "small" },
        ranked < 2
          ? "There are no two ranked methods to compare."
          : `${ranked} ranked methods are too many to test each against each.`,
      ),
    );
  } else body.push(...matrix(board));
  if (board.method.length > 1) body.push(...twoPart(board));
  return body;
}
function matrix(board) {
  const { count } = board.pairs;
  const few = count <= NUMBERS_FIT;
  const indices = Array.from({ length: count }, (_, i) => i);
  const caption = make("p", { class: "told", "aria-live": "polite" }, "Choose a pair.");
  const cell = (a, b) => {
    if (a === b) return make("td", { class: "self" });
    const pair = pairOf(board, a, b);
    const sure = verdict(board, pair);
    const kind = { 1: "better", "-1": "worse", 0: null }[sure];
    const sign = { 1: "+", "-1": "−", 0: "·" }[sure];
    const shown = few ? (a < b ? points(pair.gap) : pText(pair.p)) : sign;
    return make(
      "td",
      { class: kind, "data-a": a, "data-b": b, title: sentence(board, a, b), tabindex: -1 },
      shown,
    );
  };
  const table = make(
    "table",
    { class: few ? "matrix" : "matrix dense" },
    make(
      "caption",
      null,
      make(
        "span",
        null,
        few
          ? `Above the diagonal: ${board.measure} of the method of the row less that of the ` +
              `column${board.percent ? ", in points" : ""}. Below it: p, ${adjustedText(board)}. `
          : "Row against column: + is shown to be better, − worse, · nothing is shown. ",
        "Green: the row is shown to be better than the column (p < 0.05); red: worse.",
        few ? "" : ` p is ${adjustedText(board)}; choose a pair to see it with its gap.`,
      ),
    ),
    make(
      "thead",
      null,
      make(
        "tr",
        null,
        make("th", { scope: "col", class: "left" }, "method"),
        indices.map((i) => make("th", { scope: "col", title: board.method[i] }, i + 1)),
      ),
    ),
    make(
      "tbody",
      null,
      indices.map((a) =>
        make(
          "tr",
          null,
          make(
            "th",
            { scope: "row", title: board.method[a] },
            make("span", { class: "number" }, a + 1),
            make(
              "a",
              { href: link("method", board.method[a], board.index) },
              rowName(board, a, few),
            ),
          ),
          indices.map((b) => cell(a, b)),
        ),
      ),
    ),
  );
  table.querySelector("[data-a]")?.setAttribute("tabindex", 0);
  const of = (event) => event.target.closest("[data-a]");
  const show = (event) => {
    const node = of(event);
    if (node) put(caption, sentence(board, node.dataset.a, node.dataset.b));
  };
  table.addEventListener("mouseover", show);
  table.addEventListener("focusin", show);
  table.addEventListener("click", (event) => {
    const node = of(event);
    if (node) showTwo(board, node.dataset.a, node.dataset.b);
  });
  table.addEventListener("keydown", (event) => of(event) && stepTo(event, table, of(event)));
  const frame = scrolled(table, "Every method against every other");
  frame.classList.toggle("tall", !few);
  return [frame, caption];
}
const rowName = (board, i, few) => (few ? named(board.method[i]) : cutName(board.method[i]));
/* A long name without its middle, where room is short. */
const cutName = (name) =>
  make(
    "span",
    { class: "name cut" },
    make("span", null, name.slice(0, -12)),
    make("span", null, name.slice(-12)),
  );

function sentence(board, a, b) {
  const pair = pairOf(board, Number(a), Number(b));
  const gap = pair.gap === null ? "no seed in common" : inPoints(points(pair.gap));
  const p = pair.p === null ? "p cannot be told" : `p ${pText(pair.p)}`;
  const names = `${board.method[a]} against ${board.method[b]}`;
  return `${names}: ${gap}, ${p}; ${WORDS[verdict(board, pair)]}.`;
}
/* Arrow keys go from cell to cell; the whole matrix is one stop of the keyboard. */
function stepTo(event, table, node) {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.key === "Enter") node.click();
  if (!(event.key in steps)) return;
  event.preventDefault();
  const [down, right] = steps[event.key];
  let a = Number(node.dataset.a) + down,
    b = Number(node.dataset.b) + right;
  if (a === b) [a, b] = [a + down, b + right];
  const next = table.querySelector(`[data-a="${a}"][data-b="${b}"]`);
  if (!next) return;
  node.setAttribute("tabindex", -1);
  next.setAttribute("tabindex", 0);
  next.focus();
}
function twoPart(board) {
  const choice = (id, title) =>
    make(
      "label",
      null,
      title,
      make(
        "select",
        { id, oninput: () => showTwo(board, byId("two-a").value, byId("two-b").value) },
        board.method.map((name, i) => make("option", { value: i }, name)),
      ),
    );
  const form = make(
    "form",
    { class: "filters two", "aria-label": "Which two methods are compared" },
    choice("two-a", "Method"),
    choice("two-b", "against"),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  return [
    make("h3", { id: "two-by-task" }, "Two methods by task"),
    form,
    make("div", { id: "two" }),
  ];
}
/* The two that are compared at first: the first one, and the baseline or the second one. */
function usualTwo(board) {
  const base = board.baseline === null ? -1 : board.method.indexOf(board.baseline);
  return [0, base > 0 ? base : 1];
}
const two = { board: null, of: [] };

/* The names of the two that are compared, unless these are the usual two. */
export function chosenTwo() {
  if (!two.board) return [];
  const usual = usualTwo(two.board);
  const names = ["one", "other"].map((key, k) => [key, two.board.method[two.of[k]]]);
  return two.of.every((i, k) => i === usual[k]) ? [] : names;
}
export function chooseTwo(board, one, other) {
  two.board = null;
  if (board.method.length < 2) return;
  const at = [one, other].map((name) => board.method.indexOf(name));
  showTwo(board, ...(at.includes(-1) ? usualTwo(board) : at));
}
/* What the table says of the same two, where one is its baseline: of fewer comparisons. */
function alone(board, a, b) {
  const base = board.baseline === null ? -1 : board.method.indexOf(board.baseline);
  const other = a === base ? b : b === base ? a : -1;
  const p = other < 0 ? null : board.p_holm[other];
  return p === null ? "" : ` The table compares with ${board.baseline} alone: p ${pText(p)}.`;
}
function showTwo(board, ...chosen) {
  const [a, b] = chosen.map(Number);
  byId("two-a").value = String(a);
  byId("two-b").value = String(b);
  two.board = board;
  two.of = [a, b];
  lookedElsewhere();
  if (a === b) return put(byId("two"), make("p", { class: "small" }, "Choose another one."));
  const gaps = byTask(board, a, b);
  const mean = overGroups(
    board,
    gaps.map((g) => g.gap),
  );
  const pair = pairOf(board, a, b);
  const far = Math.max(...gaps.map((g) => Math.abs(g.gap ?? 0)), 100);
  const groups = new Set(board.groups).size;
  const told = pair
    ? pair.p === null
      ? " Whether it is more than chance cannot be told."
      : ` p ${pText(pair.p)}, ${adjustedText(board)}: ${WORDS[verdict(board, pair)]}.` +
        alone(board, a, b)
    : " Only ranked methods are tested against each other.";
  const rows = board.tasks.map((task, t) => [
    make("a", { href: link("task", task, board.index) }, named(task)),
    amount(board.task[a][t]),
    amount(board.task[b][t]),
    make("span", null, points(gaps[t].gap), strip(gaps[t].gap, 0, [-far, far], board.role[a], 0)),
    gaps[t].seeds || NONE,
    ...(isGrouped(board) ? [[board.groups[t], { class: "left" }]] : []),
  ]);
  put(
    byId("two"),
    make(
      "p",
      null,
      named(board.method[a]),
      mean === null
        ? ": a task has no seed in common."
        : `: ${inPoints(points(mean))}, mean over ${plural(groups, "group")} of tasks.`,
      told,
    ),
    scrolled(
      tableOf(
        "Differences over the seeds that both have.",
        [
          ["task", { class: "left" }],
          headOf("method"),
          headOf("against"),
          "difference",
          "seeds",
          ...(isGrouped(board) ? [["group", { class: "left" }]] : []),
        ],
        rows,
      ),
      "Two methods by task",
    ),
  );
}
