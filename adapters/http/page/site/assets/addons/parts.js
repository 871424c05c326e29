// What the cards of add-ons have in common.

import { iconButton, make } from "../core/dom.js";

/** The name of a model without its ending. */
export const stemOf = ({ name, extension }) => (name.endsWith(extension) ? name.slice(0, -extension.length) : name);

/** The card of a choice: its name, what is known of it, why it is not used, and `fields`. */
export function card({ id, name, facts, unused, problem }, onRemove, ...fields) {
  const title = make("h4", { textContent: name, title: name, id: `${id}-name` });
  const remove = iconButton("close", `Remove ${name}`, onRemove);
  remove.id = `${id}-remove`;
  const made = make(
    "li",
    { className: "addon", id },
    make("div", { className: "addon-top" }, make("div", {}, title, hint(facts)), remove),
    unused ? make("p", { className: "notice", textContent: `Not used: it ${unused}.` }) : null,
    ...fields,
    problem ? make("p", { className: "field-error", id: `${id}-problem`, textContent: `${problem}.` }) : null,
  );
  made.toggleAttribute("data-unused", Boolean(unused));
  if (problem) {
    title.tabIndex = -1;
    title.setAttribute("aria-describedby", `${id}-problem`);
  }
  return made;
}

/**
 * A number with a slider. `limit` has the bounds of the field, `slider` those of the slider if a
 * narrower one is easier to use. `path` names the field in an error.
 */
export function scaleField({ id, label, of, path, limit, slider = limit, step, value }, onValue) {
  const number = make("input", { type: "number", id, min: limit.minimum, max: limit.maximum, step: "any", value, data: { path } });
  number.inputMode = "decimal";
  const range = make("input", { type: "range", min: slider.minimum, max: slider.maximum, step, value });
  range.setAttribute("aria-label", `${label} of ${of}, slider`);
  number.setAttribute("aria-label", `${label} of ${of}`);
  range.addEventListener("input", () => {
    number.value = range.value;
    onValue(Number(range.value));
  });
  number.addEventListener("input", () => {
    if (number.value !== "") range.value = number.value;
    onValue(number.value === "" ? undefined : Number(number.value));
  });
  return make("div", { className: "field amount" }, make("label", { htmlFor: id, textContent: label }), range, number);
}

/** A list to choose one value from. `words` are the options by value. */
export function choiceField({ id, label, of, words, value }, onValue) {
  const options = Object.entries(words).map(([each, textContent]) => make("option", { value: each, textContent }));
  const select = make("select", { id }, ...options);
  select.value = value;
  select.setAttribute("aria-label", `${label} of ${of}`);
  select.addEventListener("change", () => onValue(select.value));
  return make("div", { className: "field" }, make("label", { htmlFor: id, textContent: label }), select);
}

/** A button that is pressed while `holds()`. */
export function wordButton(text, label, holds, onPress) {
  const made = make("button", { type: "button", className: "word", textContent: text });
  if (label) made.setAttribute("aria-label", label);
  made.settle = () => made.setAttribute("aria-pressed", String(holds()));
  made.addEventListener("click", () => {
    onPress(holds());
    made.settle();
  });
  made.settle();
  return made;
}

/** What is known of a model, in a line. */
export const factsOf = (addon) =>
  addon ? [addon.base ?? addon.family, addon.rank && `rank ${addon.rank}`].filter(Boolean).join(" · ") : "";

function hint(text) {
  return make("p", { className: "hint", textContent: text });
}
