/* The page as a whole. */
import { answerCards, methodsPart, taskLine } from "./answers.js";
import { calibrationPart } from "./calibration.js";
import { classesPart, confusionPart, wrongPart } from "./classes.js";
import { ADVICE } from "./data.js";
import { byId, make, named, put } from "./elements.js";
import { labelsPart } from "./labels.js";
import { sourcesPart, studentsPart } from "./sources.js";

/* Of a text with commands between backticks its parts. */
const withCode = (text) =>
  text.split("`").map((part, k) => (k % 2 ? make("code", null, part) : part));

document.title = `${ADVICE.task} · distbench advice`;
put(byId("task"), taskLine());
put(byId("headline"), ADVICE.headline, ": ", named(ADVICE.advised));
put(
  byId("lead"),
  [ADVICE.reason, ADVICE.gain, ADVICE.shipping].map((text) => make("p", null, withCode(text))),
  ADVICE.notes.map((text) => make("p", { class: "small" }, text)),
);
put(byId("answers"), answerCards());
put(byId("methods-body"), methodsPart());
put(byId("sources-body"), sourcesPart());
put(byId("labels-body"), labelsPart());
put(byId("students-body"), studentsPart());
put(byId("classes-body"), classesPart());
put(byId("confusion-body"), confusionPart());
put(byId("wrong-body"), wrongPart());
put(byId("calibration-body"), calibrationPart());
