// A picture as large as the window allows.

import { byId } from "./dom.js";

export class Viewer {
  #dialog = byId("viewer");
  #pictures = [];
  #index = 0;

  constructor() {
    byId("viewer-close").addEventListener("click", () => this.#dialog.close());
    byId("viewer-previous").addEventListener("click", () => this.#turn(-1));
    byId("viewer-next").addEventListener("click", () => this.#turn(1));
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) this.#turn(step);
    });
  }

  /** Show the picture of this index; `pictures` have `src`, `alt` and `caption`. */
  open(pictures, index) {
    this.#pictures = pictures;
    this.#index = index;
    this.#show();
    this.#dialog.showModal();
  }

  /** Close it, when its pictures go. */
  close() {
    this.#dialog.close();
    byId("viewer-image").removeAttribute("src");
  }

  #turn(step) {
    const number = this.#pictures.length;
    this.#index = (this.#index + step + number) % number;
    this.#show();
  }

  #show() {
    const { src, alt, caption } = this.#pictures[this.#index];
    Object.assign(byId("viewer-image"), { src, alt });
    byId("viewer-caption").textContent = caption;
    const alone = this.#pictures.length < 2;
    byId("viewer-previous").hidden = alone;
    byId("viewer-next").hidden = alone;
  }
}
