/* The page as a whole: which table, which view, and what stands above and below it. */
import { saveCsv } from "./csv.js";
import { DATA } from "./data.js";
import { back, byId, make, named, put, withEdges } from "./elements.js";
import { applyFilters, resetFilters, showFilters } from "./filters.js";
import { showUnitOf } from "./format.js";
import { pairsPart } from "./matrix.js";
import { methodView } from "./method.js";
import { metricsPart } from "./metrics.js";
import { answers, lead, noteOf, sourcesPart } from "./overview.js";
import { PAGE, drawRows, table } from "./table.js";
import { taskView } from "./task.js";
import { addressOf, showAsAsked } from "./view.js";

let current = null;
/* Whether an address is being followed, so that none is written. */
let following = false;

function showBoard(board) {
  if (current === board) return;
  current = board;
  showUnitOf(board);
  byId("board").value = String(board.index);
  put(byId("title"), board.label);
  put(byId("lead"), lead(board));
  put(byId("answers"), answers(board));
  put(byId("images"), board.images.join(" "));
  byId("images").hidden = !board.images.length;
  put(byId("groups"), board.groupNotes.map(noteOf));
  showFilters(board);
  put(
    byId("notes"),
    board.notes.map(noteOf),
    board.leftOut.map((text) => noteOf([[text, 0]])),
  );
  put(byId("compute-title"), `${board.measureHead} against compute`);
  put(byId("reading-measure"), board.measureHead);
  put(byId("pairs-body"), pairsPart(board));
  put(byId("metrics-body"), metricsPart(board));
  put(byId("sources-body"), sourcesPart(board));
}
/* What is looked at now has an address, which a moment later stands where addresses stand. */
let later = 0;
function tellAddress() {
  if (following || byId("overview").hidden) return;
  clearTimeout(later);
  current.address = addressOf(current);
  later = setTimeout(() => history.replaceState(null, "", current.address), 200);
}
function follow(event) {
  clearTimeout(later);
  following = true;
  route(event);
  following = false;
}
/* #method=NAME, #task=NAME, #board=2 with what is chosen there; else a place on the overview. */
function route(event) {
  const hash = location.hash.slice(1);
  const asked = hash.includes("=")
    ? new URLSearchParams(hash.replace(/\+/g, "%2B"))
    : new URLSearchParams();
  const wanted = asked.get("method") ?? asked.get("task");
  const list = asked.has("method") ? "method" : "tasks";
  const number = Number(asked.get("board")) - 1;
  let board =
    DATA.boards[number] ||
    (wanted === null
      ? asked.has("board")
        ? DATA.boards[0]
        : current || DATA.boards[0]
      : DATA.boards.find((b) => b[list].includes(wanted)) || DATA.boards[0]);
  if (!hash) board = DATA.boards[0];
  showBoard(board);
  if (wanted === null && (table.board !== board || !hash || hash.includes("="))) {
    showAsAsked(board, asked);
    board.address = addressOf(board);
  }
  const at = wanted === null ? -1 : board[list].indexOf(wanted);
  const detail = byId("detail"),
    overview = byId("overview");
  if (wanted !== null)
    put(
      detail,
      at < 0
        ? [
            back(board),
            make("h1", null, "Not here"),
            make("p", null, "This table has nothing called ", named(wanted), "."),
          ]
        : list === "method"
          ? methodView(board, at)
          : taskView(board, at),
    );
  detail.hidden = wanted === null;
  overview.hidden = wanted !== null;
  byId("nav").hidden = wanted !== null;
  document.title =
    wanted === null
      ? `${board.label} · distbench leaderboard`
      : `${wanted} · distbench leaderboard`;
  if (wanted !== null) {
    window.scrollTo(0, 0);
    if (event) detail.focus();
  } else if (asked.has("one") && asked.has("other")) byId("two-by-task")?.scrollIntoView();
  else if (hash && !hash.includes("=") && byId(hash)) {
    byId(hash).scrollIntoView();
    /* What was chosen is still shown, so the address says it again. */
    if (board.address?.includes("=")) history.replaceState(null, "", board.address);
  }
}
put(
  byId("board"),
  DATA.boards.map((board, n) => make("option", { value: n }, board.label)),
);
byId("board-choice").hidden = DATA.boards.length < 2;
byId("board").addEventListener("change", (event) => {
  location.hash = Number(event.target.value)
    ? `board=${Number(event.target.value) + 1}`
    : "board=1";
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("reset").addEventListener("click", resetFilters);
byId("csv").addEventListener("click", saveCsv);
byId("more").addEventListener("click", () => drawRows(Infinity));
if ("IntersectionObserver" in window)
  new IntersectionObserver(
    (seen) => {
      if (seen.some((s) => s.isIntersecting) && !byId("more").hidden) drawRows(PAGE);
    },
    { rootMargin: "200px" },
  ).observe(byId("more"));
withEdges(byId("methods").parentNode, (more) => {
  byId("goes-on").hidden = !more;
});
window.addEventListener("beforeprint", () => drawRows(Infinity));
window.addEventListener("hashchange", follow);
document.addEventListener("viewchange", tellAddress);
window.matchMedia("(max-width: 46rem)").addEventListener("change", () => current && applyFilters());
follow(null);
