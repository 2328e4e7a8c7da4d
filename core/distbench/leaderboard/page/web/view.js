/* What is looked at, in the address: whoever opens it sees the same. */
import { chooseFilters, chosenFilters } from "./filters.js";
import { chooseTwo, chosenTwo } from "./matrix.js";
import { chooseSort, chosenSort } from "./table.js";

/* The address of a table as it is shown: nothing is said of what is as usual. */
export function addressOf(board) {
  const chosen = [...chosenFilters(), ...chosenSort(), ...chosenTwo()];
  const first = board.index || chosen.length ? [["board", board.index + 1]] : [];
  return `#${new URLSearchParams([...first, ...chosen])}`;
}
/* Shows a table as an address says; what it does not say, or says wrongly, is as usual. */
export function showAsAsked(board, asked) {
  chooseFilters(asked);
  chooseSort(asked.get("sort"));
  chooseTwo(board, asked.get("one"), asked.get("other"));
}
