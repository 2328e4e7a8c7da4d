/* What stands above and below the table. */
import { DATA } from "./data.js";
import { link, make, named, pairs, scrolled, tableOf } from "./elements.js";
import {
  NONE,
  amount,
  complete,
  half,
  inPoints,
  inUnit,
  isSignificant,
  plural,
  points,
  range,
  size,
} from "./format.js";

/* The share of the best one's compute up to which doing with less is news. */
const WORTH = 0.5;

export function lead(board) {
  const groups = new Set(board.groups).size;
  const within = groups < board.tasks.length ? ` in ${plural(groups, "group")}` : "";
  const tasks = plural(board.tasks.length, "task") + within;
  const seeds = plural(board.seeds.length, "seed");
  const ranked = plural(board.rank.filter(Boolean).length, "ranked method");
  const again = board.again.filter((name) => name !== null).length;
  const unranked = board.role.filter((r, i) => r !== "ranked" && board.again[i] === null).length;
  const others = plural(unranked, "control or ceiling", "controls and ceilings");
  const incomplete = board.method.filter((_, i) => !complete(board, i)).length;
  const repeated = again ? `, ${plural(again, "repeated result")}` : "";
  const counts = `${ranked}, ${others}${repeated}, ${incomplete} incomplete`;
  const lower = board.sign > 0 ? "" : " (lower is better)";
  return `Test ${board.measure}${lower} over ${tasks} and ${seeds}: ${counts}.`;
}
/* What to use, at what cost, and whether the difference is real. */
export function answers(board) {
  const best = board.best;
  if (best < 0)
    return make(
      "div",
      null,
      make("h2", null, "No method is complete"),
      make("p", null, "The table lists what there is."),
    );
  const ranked = board.rank.map((_, i) => i).filter((i) => board.rank[i]);
  const group = ranked.filter((i) => !board.behind[i]);
  const others = plural(group.length - 1, "other");
  const go = (i) =>
    make("a", { href: link("method", board.method[i], board.index) }, named(board.method[i]));
  const cards = [
    make(
      "div",
      null,
      make("h2", null, board.measure === "accuracy" ? "Most accurate" : `Best ${board.measure}`),
      make(
        "p",
        { class: "value" },
        amount(board.mean[best]),
        make("small", null, half(board.meanHalf[best]), inUnit("")),
      ),
      make("p", null, go(best)),
      make(
        "p",
        null,
        group.length > 1
          ? `Not shown to be better than ${others} (rank ${range(board.rank[best])}).`
          : ranked.length > 1
            ? "Shown to be better than every other."
            : "The only ranked method.",
      ),
    ),
  ];
  const cheap = group.filter((i) => board.macs[i]).sort((a, b) => board.macs[a] - board.macs[b])[0];
  const saved = Math.round((100 * board.macs[cheap]) / board.macs[best]);
  if (cheap !== undefined && (cheap === best || saved <= 100 * WORTH))
    cards.push(
      make(
        "div",
        null,
        make("h2", null, "Least compute, not shown to be worse"),
        make(
          "p",
          { class: "value" },
          size(board.macs[cheap]),
          make("small", null, " MACs to train"),
        ),
        make("p", null, go(cheap)),
        make(
          "p",
          null,
          cheap === best || !board.macs[best]
            ? null
            : `${inUnit(amount(board.mean[cheap]))}, for ${saved} % of the compute. `,
          group.length > 1
            ? `Of the ${group.length} methods not shown to be worse than the best.`
            : "Every other is shown to be worse.",
        ),
      ),
    );
  if (board.baseline) {
    const tested = board.p_holm.filter((p) => p !== null).length;
    const significant = board.method.map((_, i) => i).filter((i) => isSignificant(board, i));
    const better = significant.filter((i) => board.sign * board.delta[i] > 0).length;
    const worse = significant.filter((i) => board.sign * board.delta[i] < 0).length;
    cards.push(
      make(
        "div",
        null,
        make("h2", null, "Against ", named(board.baseline)),
        make(
          "p",
          { class: "value" },
          board.delta[best] === null
            ? board.percent
              ? "±0.0"
              : "±0.000"
            : points(board.delta[best]),
          make("small", null, half(board.deltaHalf[best]), inPoints("")),
        ),
        tested
          ? make(
              "p",
              null,
              `Of ${plural(tested, "method")} ${better} shown to be better, ${worse} worse ` +
                "(p below 0.05 after Holm's correction).",
            )
          : null,
      ),
    );
  } else
    cards.push(
      make(
        "div",
        null,
        make("h2", null, "No comparison"),
        make(
          "p",
          null,
          "The baseline ",
          named(board.wanted),
          board.method.includes(board.wanted) ? " is incomplete." : " is not among the methods.",
        ),
      ),
    );
  return cards;
}
/* A note made of text and names. */
export const noteOf = (parts) =>
  make(
    "p",
    null,
    parts.map(([text, isName]) => (isName ? named(text) : text)),
  );
/* What who keeps the records found when cells of a file were computed again. */
const againOf = ({ about }) => about.find(([key]) => key === "computed again")?.[1] ?? NONE;

export function sourcesPart(board) {
  const used = [...new Set(board.origins.flat())];
  const count = (n) => board.origins.filter((o) => o.includes(n)).length;
  const refused = DATA.refused.length
    ? [
        make("h3", null, "Not read"),
        make(
          "ul",
          null,
          DATA.refused.map((line) => make("li", null, line)),
        ),
      ]
    : null;
  return [
    scrolled(
      tableOf(
        "Files behind this table.",
        [
          ["file", { class: "left" }],
          ["kind", { class: "left" }],
          ["submitter", { class: "left" }],
          "methods",
          "metrics",
          ["computed again", { class: "left" }],
        ],
        used.map((n) => [
          make("span", { class: "name" }, DATA.origins[n].path),
          [DATA.origins[n].kind === "run" ? "run" : "submission", { class: "left" }],
          [DATA.origins[n].submitter || NONE, { class: "left" }],
          String(count(n)),
          String(board.metrics.filter((m) => m.origins.includes(n)).length),
          [againOf(DATA.origins[n]), { class: "left" }],
        ]),
      ),
      "Files",
    ),
    board.machines.map((m, n) => [make("h3", null, `Machine ${n + 1}`), pairs(m)]),
    refused,
  ];
}
