/* What a method is, as far as those know who built the page; nothing is guessed. */
import { DATA } from "./data.js";
import { make, named, pairs } from "./elements.js";
import { settingText } from "./format.js";

export function naturePart(board, i) {
  const parts = board.settings[i].map(([kind, name, version, params]) => {
    const known = DATA.components[`${kind} ${name}`];
    return make(
      "section",
      null,
      make("h3", null, `${kind}: `, named(name), version === null ? "" : ` version ${version}`),
      known ? knownPart(known, version) : unknownPart(),
      params.length
        ? pairs(params.map(([k, v]) => [k, settingText(v)]))
        : make("p", { class: "small" }, "No parameters."),
    );
  });
  return [
    make("h2", null, "What it is"),
    make("div", { class: "cards" }, parts),
    remakePart(board.remake[i]),
  ];
}
function knownPart([version, description, reference, distribution, homepage, licence], its) {
  const owner = [distribution, licence].filter(Boolean).join(", ");
  const other = `This is said of version ${version}, which was installed here.`;
  return [
    description ? make("p", null, description) : null,
    its !== null && version !== its ? make("p", { class: "small" }, other) : null,
    reference ? make("p", { class: "small" }, reference, ".") : null,
    make(
      "p",
      { class: "small" },
      owner ? `From ${owner}. ` : null,
      homepage ? make("a", { href: homepage, rel: "noopener noreferrer" }, homepage) : null,
    ),
  ];
}
const unknownPart = () =>
  make("p", { class: "small" }, "Not installed where this page was built: no description.");

function remakePart(remake) {
  if (remake === null) return null;
  const [commands, reason] = remake;
  return [
    make("h3", null, "To make it again"),
    commands.length
      ? commands.map((text) => make("pre", { class: "command" }, make("code", null, text)))
      : make("p", { class: "small" }, `No command can be given: ${reason}.`),
  ];
}
