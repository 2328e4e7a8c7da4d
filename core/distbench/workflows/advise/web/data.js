/* What the page shows. */
export const ADVICE = JSON.parse(document.getElementById("data").textContent);
