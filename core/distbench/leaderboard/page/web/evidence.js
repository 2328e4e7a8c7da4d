/* How far results are believed; nothing of it where all are of run folders. */
import { DATA } from "./data.js";
import { make } from "./elements.js";
import { plural } from "./format.js";

export const evidenceBadge = (board, i) =>
  board.evidence &&
  make(
    "span",
    { class: `badge ${board.evidence[i]}`, title: DATA.evidence[board.evidence[i]] },
    board.evidence[i],
  );
export function evidenceText(board, i) {
  if (!board.evidence) return null;
  const again = board.computedAgain[i];
  const cells = plural(board.coverage[i][0], "cell");
  const count = again
    ? ` Of its ${cells}, ${again} ${again > 1 ? "were" : "was"} trained again.`
    : "";
  return make("p", null, evidenceBadge(board, i), ` ${DATA.evidence[board.evidence[i]]}${count}`);
}
