// One job in the gallery: its first picture, or what it waits for.

import { icon, make } from "../core/dom.js";
import { when } from "../core/format.js";
import { titleOf } from "../core/requests.js";

const WORDS = { queued: "Waiting", running: "Drawing", failed: "Failed", cancelled: "Cancelled" };

export class Tile {
  #thumbnails;
  #words = null;

  constructor(job, thumbnails) {
    this.job = job;
    this.#thumbnails = thumbnails;
    this.button = make("button", { type: "button", className: "tile" });
    this.item = make("li", { data: { id: job.id } }, this.button);
    this.#fill();
  }

  /** Show the job as it is now. */
  update(job) {
    const { status, created_at: created } = this.job;
    this.job = job;
    if (status === job.status && created === job.created_at) this.#describe();
    else this.#fill();
  }

  set favourite(is) {
    this.button.toggleAttribute("data-favourite", is);
    this.#describe();
  }

  /** Whether it is chosen; null while nothing is chosen. */
  set chosen(is) {
    if (is === null) this.button.removeAttribute("aria-pressed");
    else this.button.setAttribute("aria-pressed", String(is));
  }

  drop() {
    this.#thumbnails.drop(this.item);
    this.item.remove();
  }

  #fill() {
    const { job, button } = this;
    this.#thumbnails.drop(this.item);
    button.dataset.status = job.status;
    const images = job.images ?? [];
    this.#words = make("span", { className: "tile-words" });
    button.replaceChildren(
      make(
        "span",
        { className: "tile-picture" },
        images.length ? this.#thumbnails.image(this.item, images[0].thumbnail_url) : this.#words,
        images.length > 1 ? make("span", { className: "badge", textContent: images.length }) : null,
        icon("star"),
      ),
      make("span", { className: "tile-caption", textContent: titleOf(job) }),
    );
    this.#describe();
  }

  #describe() {
    const { job, button } = this;
    const state = WORDS[job.status];
    const { step, steps } = job.progress ?? {};
    const drawing = job.status === "running" && step;
    this.#words.textContent = drawing ? `${Math.floor((100 * step) / steps)} %` : state;
    const parts = [
      titleOf(job),
      state,
      job.images?.length > 1 && `${job.images.length} pictures`,
      "favourite" in button.dataset && "favourite",
      when(job.created_at),
    ];
    button.setAttribute("aria-label", parts.filter(Boolean).join(", "));
    button.title = [titleOf(job), job.error?.detail].filter(Boolean).join("\n");
  }
}
