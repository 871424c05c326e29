// Which jobs of the gallery are shown: those with these words, favourites, without what failed.

import { byId } from "../core/dom.js";
import { titleOf } from "../core/requests.js";
import { device } from "../core/store.js";

const NAME = "hide-failed";
const FAILED = ["failed", "cancelled"];

export class Filters {
  #search = byId("search");
  #liked = byId("only-favourites");
  #hidden = byId("hide-failed");
  #favourites;

  /** `onChange` is called when other jobs are to be shown. */
  constructor(favourites, onChange) {
    this.#favourites = favourites;
    press(this.#hidden, device.read(NAME) === true);
    this.#search.addEventListener("input", onChange);
    this.#liked.addEventListener("click", () => {
      press(this.#liked, !pressed(this.#liked));
      onChange();
    });
    this.#hidden.addEventListener("click", () => {
      press(this.#hidden, !pressed(this.#hidden));
      device.write(NAME, pressed(this.#hidden));
      onChange();
    });
  }

  /** Whether some jobs may be left out. */
  get active() {
    return this.#words.length > 0 || pressed(this.#liked);
  }

  clear() {
    this.#search.value = "";
    press(this.#liked, false);
  }

  /** Whether a job is shown. */
  passes(job) {
    if (pressed(this.#hidden) && FAILED.includes(job.status)) return false;
    if (pressed(this.#liked) && !this.#favourites.has(job.id)) return false;
    const { negative_prompt: not, seed } = job.request;
    const text = `${titleOf(job)}\n${not ?? ""}\n${seed ?? ""}`.toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  get #words() {
    return this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
  }
}

const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const press = (button, on) => button.setAttribute("aria-pressed", String(on));
