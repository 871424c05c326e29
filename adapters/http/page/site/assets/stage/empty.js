// What is to be seen before the first picture: what this model draws, and prompts to click.

import { make } from "../core/dom.js";

// For a model that names none: things that most models draw well.
const PROMPTS = [
  "a beautiful landscape with mountains and a lake",
  "a lighthouse on a cliff at sunset, oil painting",
  "a red fox in the snow, morning light, photograph",
  "a cosy reading corner by a rainy window, watercolour",
  "an old steam train on a stone bridge, autumn forest",
  "a bowl of lemons on a blue table, still life",
];
const MOST = 6;

/** The empty stage. `onSample` is called with the prompt that was clicked. */
export function emptyStage(model, onSample) {
  const own = model?.sample_prompts ?? [];
  const prompts = (own.length ? own : PROMPTS).slice(0, MOST);
  const samples = prompts.map((prompt) => {
    const sample = make("button", { type: "button", className: "sample", textContent: prompt });
    sample.addEventListener("click", () => onSample(prompt));
    return make("li", {}, sample);
  });
  return make(
    "div",
    { className: "lead" },
    make("h2", { textContent: "Say what you would like to see" }),
    model?.description ? make("p", { textContent: model.description }) : null,
    model ? make("p", { className: "hint", textContent: "Or draw one of these:" }) : null,
    model ? make("ul", { className: "samples" }, ...samples) : null,
  );
}
