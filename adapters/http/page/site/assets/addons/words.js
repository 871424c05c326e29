// Words that are put into a prompt and taken out again.

import { byId } from "../core/dom.js";

const special = /[\\^$.*+?()[\]{}|]/g;

/** Whether a prompt is read by AUTOMATIC1111's grammar, where brackets have a meaning. */
const isWeighted = () => byId("prompt_syntax").checked;

/** `word` as it stands in a prompt. */
const written = (word) => (isWeighted() ? word.replace(/[\\()[\]]/g, "\\$&") : word);

/** The place of a word in a text: as a whole word, plain or with its brackets escaped; or null. */
function placeOf(word, text) {
  const forms = [word, word.replace(/[\\()[\]]/g, "\\$&")].map((each) => each.replace(special, "\\$&"));
  const whole = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${forms.join("|")})(?![\\p{L}\\p{N}_])`, "iu");
  const found = whole.exec(text);
  return found && { start: found.index, end: found.index + found[0].length };
}

/** Whether the prompt in this control has the word. */
export const holds = (id, word) => placeOf(word, byId(id).value) !== null;

/** Put the word at the end of the prompt, once. */
export function insert(id, word) {
  const control = byId(id);
  if (holds(id, word)) return;
  const before = control.value.replace(/[\s,]+$/, "");
  set(control, before ? `${before}, ${written(word)}` : written(word));
}

/** Take the word out of the prompt, with the comma before it. */
export function remove(id, word) {
  const control = byId(id);
  for (let place = placeOf(word, control.value); place; place = placeOf(word, control.value)) {
    const before = control.value.slice(0, place.start).replace(/,?\s*$/, "");
    const after = control.value.slice(place.end);
    set(control, before ? before + after : after.replace(/^[\s,]+/, ""));
  }
}

function set(control, text) {
  control.value = text;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}
