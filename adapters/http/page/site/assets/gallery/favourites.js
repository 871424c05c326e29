// Jobs that a person likes, by id. They are kept in this browser: the ids are random, so they tell
// nothing to the next person at this browser, and nobody else has a job of that id.

import { device } from "../core/store.js";

const NAME = "favourites";
const MOST = 5_000;

export class Favourites {
  #ids = new Set(device.read(NAME) ?? []);
  /** Called with the id of a job that became a favourite, or no longer is one. */
  onChange = () => {};

  constructor() {
    // Another tab of this browser has its own list in memory.
    window.addEventListener("storage", ({ key }) => {
      if (key !== `ai-inference.${NAME}`) return;
      const before = this.#ids;
      this.#ids = new Set(device.read(NAME) ?? []);
      for (const id of new Set([...before, ...this.#ids])) this.onChange(id);
    });
  }

  has(id) {
    return this.#ids.has(id);
  }

  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#keep(id);
  }

  drop(id) {
    if (this.#ids.delete(id)) this.#keep(id);
  }

  #keep(id) {
    device.write(NAME, [...this.#ids].slice(-MOST));
    this.onChange(id);
  }
}
