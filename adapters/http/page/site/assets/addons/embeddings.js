// The card of an embedding: its word, to put into either prompt.

import { make } from "../core/dom.js";
import { card, stemOf, wordButton } from "./parts.js";
import { holds, insert, remove } from "./words.js";

const PROMPTS = { prompt: "Prompt", negative_prompt: "Negative prompt" };

export function embeddingCard(entry, context) {
  const { id, addon } = context;
  const word = entry.token ?? (addon ? stemOf(addon) : "");
  const buttons = Object.entries(PROMPTS).map(([prompt, label]) =>
    wordButton(
      label,
      `${word} in the ${label.toLowerCase()}`,
      () => holds(prompt, word),
      (there) => (there ? remove : insert)(prompt, word),
    ),
  );
  const row = make("div", { className: "words" }, ...buttons);
  const told = make("p", { className: "hint", id: `${id}-words` });
  const settle = () => {
    const used = Object.keys(PROMPTS).some((prompt) => holds(prompt, word));
    const idle = used ? "" : " It is in neither prompt, so it changes nothing yet.";
    told.textContent = `Its word is «${word}».${idle}`;
    for (const each of buttons) each.settle();
  };
  settle();
  const made = card(context, context.onRemove, make("div", { className: "words-field" }, told, row));
  made.settle = settle;
  return made;
}
