// The card of a LoRA: its scale, and the words that it was trained with.

import { make } from "../core/dom.js";
import { card, scaleField, wordButton } from "./parts.js";
import { holds, insert, remove } from "./words.js";

const SLIDER = { minimum: -1, maximum: 2 }; // the scales that people use; the number takes all
const WORDS = 8; // that are shown at first

export function loraCard(entry, context) {
  const { id, path, name, limits, onChange } = context;
  const scale = scaleField(
    {
      id: `${id}-scale`,
      label: "Scale",
      of: name,
      path: `${path}.scale`,
      limit: limits.scale,
      slider: SLIDER,
      step: 0.05,
      value: entry.scale ?? 1,
    },
    (value) => {
      entry.scale = value;
      onChange();
    },
  );
  const words = triggerWords(context);
  const made = card(context, context.onRemove, scale, words);
  made.settle = () => words?.settle();
  return made;
}

/** The trigger words as buttons that put them into the prompt; null if there are none. */
function triggerWords({ id, addon, name }) {
  const words = addon?.trigger_words ?? [];
  if (!words.length) return null;
  const buttons = words.map((word) =>
    wordButton(word, "", () => holds("prompt", word), (there) => (there ? remove : insert)("prompt", word)),
  );
  const more = make("button", { type: "button", className: "word", textContent: `${words.length - WORDS} more` });
  const later = buttons.slice(WORDS);
  for (const each of later) each.hidden = true;
  more.hidden = later.length === 0;
  more.addEventListener("click", () => {
    for (const each of later) each.hidden = false;
    later[0].focus();
    more.remove();
  });
  const row = make("div", { className: "words" }, ...buttons, more);
  row.setAttribute("role", "group");
  row.setAttribute("aria-labelledby", `${id}-words`);
  const told = make("p", { className: "hint", id: `${id}-words`, textContent: "Trigger words, for the prompt" });
  told.title = `Words that ${name} was trained with. Click one to put it into the prompt, and again to take it out.`;
  const made = make("div", { className: "words-field" }, told, row);
  made.settle = () => {
    for (const each of buttons) each.settle();
  };
  return made;
}
