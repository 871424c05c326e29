// Weighted prompts: the switch, its help, and the keys that change a weight.

import { byId } from "../core/dom.js";
import { later } from "../core/later.js";

const PROMPTS = ["prompt", "negative_prompt"];
const WEIGHT = /\([^()]*:\s*\d*\.?\d+\s*\)/; // as in (fox:1.2)

export class SyntaxField {
  #switch = byId("prompt_syntax");

  constructor() {
    for (const control of PROMPTS.map(byId)) {
      control.addEventListener("keydown", (event) => {
        const up = event.key === "ArrowUp";
        if (!this.#switch.checked || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
        if (!up && event.key !== "ArrowDown") return;
        event.preventDefault();
        later("addons/weights").then(({ changeWeight }) => changeWeight(control, up), () => {});
      });
    }
  }

  /** Show the help while prompts are weighted, and else whether a weight in them is not read. */
  settle() {
    const on = this.#switch.checked;
    const unread = !on && PROMPTS.some((id) => WEIGHT.test(byId(id).value));
    byId("weighted-help").hidden = !on;
    byId("weighted-unread").hidden = !unread;
    const hint = on ? "weighted-help" : unread ? "weighted-unread" : "prompt_syntax-error";
    this.#switch.setAttribute("aria-describedby", hint);
  }
}
