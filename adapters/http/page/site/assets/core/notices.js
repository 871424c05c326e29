// Messages of the whole page, at its top. Each has a name: saying it again replaces it. It stays until
// the trouble is over.

import { byId, make } from "./dom.js";

export class Notices {
  #root = byId("notices");
  #shown = new Map();

  /** Say `text` until it is cleared. */
  say(name, text) {
    const there = this.#shown.get(name);
    if (there) {
      if (there.textContent !== text) there.textContent = text;
      return;
    }
    const made = make("p", { textContent: text, data: { name } });
    this.#shown.set(name, made);
    this.#root.append(made);
  }

  /** Take back what was said under this name. */
  clear(name) {
    this.#shown.get(name)?.remove();
    this.#shown.delete(name);
  }

  clearAll() {
    for (const name of [...this.#shown.keys()]) this.clear(name);
  }
}
