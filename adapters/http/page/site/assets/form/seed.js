// The seed's field: a dice that throws a new one, and a lock that keeps it.

import { byId, setIcon, say } from "../core/dom.js";

const HINTS = {
  true: "Kept: the same settings give the same picture.",
  false: "A new one for each drawing.",
};

export class SeedField {
  #input = byId("seed");
  #lock = byId("lock");
  #fresh = false; // thrown or typed, and not drawn with yet

  constructor() {
    byId("dice").addEventListener("click", () => {
      this.#throw(1);
      this.#fresh = true;
      this.#input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    this.#lock.addEventListener("click", () => {
      this.kept = !this.kept;
      this.#fresh = false;
      this.#input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    this.#input.addEventListener("input", (event) => {
      if (event.isTrusted) this.kept = this.#input.value !== "";
    });
    this.kept = false;
  }

  get kept() {
    return this.#lock.getAttribute("aria-pressed") === "true";
  }

  set kept(kept) {
    this.#lock.setAttribute("aria-pressed", String(kept));
    this.#lock.title = kept ? "The seed is kept. Draw with new ones" : "Keep this seed";
    setIcon(this.#lock.firstElementChild, kept ? "lock" : "unlock");
    say(byId("seed-hint"), HINTS[kept]);
  }

  /** Show this seed, and draw with no other until the lock is opened. */
  keep(seed) {
    this.#input.value = seed;
    this.kept = true;
  }

  /** Throw the dice, unless the seed is to be kept or was thrown just now. */
  beforeDrawing(images) {
    if (!this.kept && !this.#fresh) this.#throw(images);
    else if (this.#input.value === "") this.#throw(images);
    this.#fresh = false;
  }

  /** 32 random bits, as the field's tools have them, where the bounds leave room for so many. */
  #throw(images) {
    const least = Number(this.#input.min);
    const places = Math.min(2 ** 32, Number(this.#input.max) - least - images + 2);
    const random = crypto.getRandomValues(new Uint32Array(1))[0];
    this.#input.value = least + (random % places);
  }
}
