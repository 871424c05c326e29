// Ctrl+Up and Ctrl+Down change the weight of the selected words, as in AUTOMATIC1111's web UI: `fox`
// becomes `(fox:1.1)`.

import { announce } from "../core/dom.js";

const STEP = 0.1;
const BRACKET = 1.1; // the weight of `(fox)` without a number
const ENDS = /[\s,()[\]|:\\]/;
const WEIGHTED = /^\(((?:[^()\\]|\\.)*?)(?::\s*(\d*\.?\d+)\s*)?\)$/s;

/** Change the weight of the words at the cursor of `control` by one step, up or down. */
export function changeWeight(control, up) {
  const place = placeAt(control.value, control.selectionStart, control.selectionEnd);
  if (!place) return;
  const text = control.value.slice(place.start, place.end);
  const [words, before] = partsOf(text);
  const weight = Math.max(0, Math.round(100 * (before + (up ? STEP : -STEP))) / 100);
  const written = weight === 1 ? words : `(${words}:${weight})`;
  replace(control, place, written);
  const start = place.start + (weight === 1 ? 0 : 1);
  control.setSelectionRange(start, start + words.length);
  announce(`${words}: weight ${weight}`);
}

/** The words of a text and their weight: `(fox:1.2)` has `fox` and 1.2. */
function partsOf(text) {
  const [, words, weight] = WEIGHTED.exec(text) ?? [];
  if (words === undefined) return [text, 1];
  return [words, weight === undefined ? BRACKET : Number(weight)];
}

/** Where the words to weigh stand, with the brackets round them; null if there are none. */
function placeAt(text, start, end) {
  if (start === end) [start, end] = wordAt(text, start);
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  if (start === end) return null;
  return bracketsRound(text, start, end) ?? { start, end };
}

/** The word at the cursor. */
function wordAt(text, cursor) {
  let [start, end] = [cursor, cursor];
  while (start > 0 && !ENDS.test(text[start - 1])) start -= 1;
  while (end < text.length && !ENDS.test(text[end])) end += 1;
  return [start, end];
}

/** The pair of brackets that encloses this part of the text and has no other brackets in it; or null. */
function bracketsRound(text, start, end) {
  if (WEIGHTED.test(text.slice(start, end))) return { start, end };
  const open = unescaped(text.slice(0, start), "(", ")");
  if (open < 0) return null;
  const close = text.slice(end).search(/(?<!\\)[()]/);
  if (close < 0 || text[end + close] !== ")") return null;
  const place = { start: open, end: end + close + 1 };
  return WEIGHTED.test(text.slice(place.start, place.end)) ? place : null;
}

/** The place of the last bracket `open` of a text, unless `close` comes after it; -1 for none. */
function unescaped(text, open, close) {
  for (let at = text.length - 1; at >= 0; at -= 1) {
    if (text[at - 1] === "\\") continue;
    if (text[at] === close) return -1;
    if (text[at] === open) return at;
  }
  return -1;
}

/** Replace a part of the control's text. Undo takes it back. */
function replace(control, { start, end }, text) {
  control.setSelectionRange(start, end);
  // Nothing else keeps the browser's undo. It fires the event of the input.
  if (document.execCommand("insertText", false, text)) return;
  control.setRangeText(text, start, end);
  control.dispatchEvent(new Event("input", { bubbles: true }));
}
