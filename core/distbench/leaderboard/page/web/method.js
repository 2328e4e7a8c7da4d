/* One method, with everything that is known of it. */
import { isGrouped } from "./against.js";
import { curvesPart } from "./curves.js";
import { DATA } from "./data.js";
import { back, fact, headName, link, make, named, pairs, scrolled, tableOf } from "./elements.js";
import { evidenceText } from "./evidence.js";
import {
  NONE,
  amount,
  complete,
  half,
  headOf,
  number,
  pText,
  plural,
  points,
  rankText,
  size,
  strip,
  settingText,
} from "./format.js";
import { naturePart } from "./nature.js";

const ROLES = {
  ranked: "A ranked method.",
  control: "A control: it has no rank.",
  ceiling: "A ceiling: it gives another network, and has no rank.",
};

export function methodView(board, i) {
  const name = board.method[i];
  return [
    back(board),
    make("h1", null, named(name)),
    make(
      "p",
      { class: "lead" },
      `${board.label}. `,
      board.again[i] === null ? ROLES[board.role[i]] : againText(board, i),
      board.overlap[i] ? " Sources that saw the task were allowed." : "",
    ),
    evidenceText(board, i),
    make(
      "ul",
      { class: "facts" },
      fact("rank", rankText(board, i)),
      complete(board, i)
        ? fact(headOf(`mean ${board.measure}`), amount(board.mean[i]), half(board.meanHalf[i]))
        : fact("cells done", board.coverage[i].join(" of ")),
      board.delta[i] === null
        ? null
        : fact(
            [board.percent ? "points vs " : "vs ", named(board.baseline)],
            points(board.delta[i]),
            half(board.deltaHalf[i]),
          ),
      board.p_holm[i] === null ? null : fact("p (Holm)", pText(board.p_holm[i])),
      board.p_flip[i] === null ? null : fact("p (flip)", pText(board.p_flip[i])),
      board.compared[i] ? fact("cells compared", board.compared[i]) : null,
      board.average_rank[i] === null
        ? null
        : fact("average rank", board.average_rank[i].toFixed(1)),
      board.macs[i] ? fact("training MACs", size(board.macs[i])) : null,
    ),
    missingPart(board, i),
    naturePart(board, i),
    make("h2", null, `${board.measureHead} by task`),
    taskPart(board, i),
    weightsPart(board, i),
    curvesPart(board, i),
    make(
      "div",
      { class: "cards" },
      make("section", null, make("h2", null, "Setting"), settingPart(board)),
      make("section", null, make("h2", null, "Where from"), originPart(board, i)),
    ),
    make("h2", null, "Costs"),
    costPart(board, i),
  ];
}
/* Another file's results of a method that stands, which has its rank. */
function againText(board, i) {
  const own = board.again[i];
  const at = board.method.indexOf(own);
  const name = at < 0 ? named(own) : make("a", { href: link("method", own, board.index) }, own);
  return ["Other results of ", name, ", from another file: without a rank and a test."];
}
function missingPart(board, i) {
  if (!board.missing[i].length) return null;
  return make(
    "div",
    { class: "notice" },
    make("p", null, "Incomplete, so without a rank:"),
    make(
      "ul",
      null,
      board.missing[i].map(([task, status, reason, seeds]) =>
        make(
          "li",
          null,
          named(task),
          `, seed ${seeds.join(", ")}: ${status}${reason ? `: ${reason}` : ""}`,
        ),
      ),
    ),
  );
}
function taskPart(board, i) {
  const gaps = board.byTask[i];
  const heads = [
    ["task", { class: "left" }],
    headOf(board.measure),
    ...(gaps ? [[make("span", null, "vs ", named(board.baseline)), {}]] : []),
    "each seed",
    ...(isGrouped(board) ? [["group", { class: "left" }]] : []),
  ];
  const all = board.task[i].filter((v) => v !== null);
  const scale = [Math.min(...all) - 2000, Math.max(...all) + 2000];
  const far = gaps ? Math.max(...gaps.map(Math.abs), 100) : 0;
  const rows = board.tasks.map((task, t) => {
    const v = board.task[i][t];
    const spread = board.taskHalf[i][t];
    const shown = strip(v, spread, scale, board.role[i]);
    const gap = gaps && strip(gaps[t], 0, [-far, far], board.role[i], 0);
    return [
      make("a", { href: link("task", task, board.index) }, named(task)),
      make("span", null, amount(v), half(spread), shown),
      ...(gaps ? [make("span", null, points(gaps[t]), gap)] : []),
      board.seedsOf[i][t].map(amount).join("  ") || NONE,
      ...(isGrouped(board) ? [[board.groups[t], { class: "left" }]] : []),
    ];
  });
  const seeds = `Means over seeds ${seedsOf(board, i).join(", ")}`;
  const interval = board.noise ? `, ± half the 95 % interval over ${board.noise}` : "";
  const against = gaps
    ? `; differences${board.percent ? " in points" : ""}, over the seeds that both have`
    : "";
  return scrolled(
    tableOf(`${seeds}${interval}${against}.`, heads, rows),
    `${board.measureHead} by task`,
  );
}
const seedsOf = (board, i) =>
  board.seedsAt[i] ? [...new Set(board.seedsAt[i].flat())].sort((a, b) => a - b) : board.seeds;

const taskHead = (task) => [make("span", { class: "name" }, headName(task)), { class: "task" }];

function weightsPart(board, i) {
  const mine = board.weights[i];
  if (!mine) return null;
  const total = new Map();
  mine.forEach(
    (task) => task && task[1].forEach(([s, w]) => total.set(s, (total.get(s) || 0) + w)),
  );
  const order = [...total].sort((a, b) => b[1] - a[1]).map(([s]) => s);
  const shown = order.slice(0, 16);
  const weight = (t, s) => mine[t] && mine[t][1].find((x) => x[0] === s);
  const rows = shown.map((s) => [
    make("span", { class: "name" }, board.sources[s]),
    ...board.tasks.map((_, t) => {
      const share = weight(t, s);
      const cell = make(
        "span",
        { title: share && share[2] !== null ? `score ${number(share[2])}` : null },
        share ? share[1].toFixed(2) : "",
      );
      return [cell, share ? { "data-w": share[1] } : {}];
    }),
  ]);
  rows.push([
    [make("i", null, "effective number"), {}],
    ...mine.map((task) => (task ? number(task[0], 2) : "")),
  ]);
  const node = tableOf(
    "Share that each source got, mean over seeds.",
    [["source", { class: "left" }], ...board.tasks.map(taskHead)],
    rows,
    { class: "heat" },
  );
  for (const cell of node.querySelectorAll("[data-w]"))
    cell.style.setProperty("--w", cell.dataset.w);
  const rest = order.length - shown.length;
  return [
    make("h2", null, "What it learnt from"),
    scrolled(node, "Source weights"),
    rest > 0
      ? make("p", { class: "small" }, `${plural(rest, "other source")} with less in sum.`)
      : null,
  ];
}
function settingPart(board) {
  return [
    ["protocol", "student"].map((kind) => [
      make("h3", null, `${kind}, the same for all here`),
      pairs(board.setting.filter((s) => s[0] === kind).map(([, k, v]) => [k, settingText(v)])),
    ]),
    pairs([
      ["seeds", board.seeds.join(", ")],
      ["zoo", board.zoo || "none"],
    ]),
  ];
}
function originPart(board, i) {
  const plugins = board.plugins.kept[board.plugins.of[i]];
  return [
    board.origins[i].map((n) => originPairs(DATA.origins[n])),
    plugins.length ? [make("h3", null, "Plugins"), pairs(plugins)] : null,
    board.costs[i].map((c) => [
      make("h3", null, `Machine ${c[0] + 1}`),
      pairs(board.machines[c[0]]),
    ]),
  ];
}
const originPairs = (origin) =>
  pairs([
    [
      origin.kind === "run" ? "run folder" : "submission",
      make("span", { class: "name" }, origin.path),
    ],
    ...(origin.submitter ? [["submitter", origin.submitter]] : []),
    ...origin.about,
  ]);

function costPart(board, i) {
  if (!board.costs[i].length) return make("p", { class: "small" }, "Nothing is known.");
  const rows = DATA.costColumns.map(([title, form], k) => [
    title,
    ...board.costs[i].map((c) => (form === "size" ? size(c[k + 1]) : number(c[k + 1]))),
  ]);
  return scrolled(
    tableOf(
      "Means over the done cells; memory: the maximum. Machines are not to be compared in seconds.",
      [["of one task", { class: "left" }], ...board.costs[i].map((c) => `machine ${c[0] + 1}`)],
      rows,
    ),
    "Costs",
  );
}
