// The job that is looked at: on its way, or what became of it.

import { button, byId, make } from "../core/dom.js";
import { roughly } from "../core/format.js";
import { titleOf } from "../core/requests.js";
import { loadInto, mayPass } from "../gallery/thumbnails.js";
import { ActiveDrawing } from "./active.js";
import { emptyStage } from "./empty.js";
import { facts, jobActions, pictures, withoutPictures } from "./finished.js";

export class Stage {
  #root = byId("stage");
  #api = null;
  #models;
  #estimates;
  #actions;
  #job = null;
  #shown = new AbortController(); // aborts when something else is shown
  #addresses = [];
  #active = null; // what is on its way
  #missing = false; // whether a picture did not come, and may come later

  /**
   * `actions` has `cancel(job)`, `reuse(request, seed)`, `vary(job, seed)`, `remove(jobs)`,
   * `enlarge(job, number)`, `start(job, number)`, `upscale(job, number)`, `compare(job, number)`,
   * `draw(prompt)` and `unfinished()`.
   */
  constructor(models, estimates, favourites, actions) {
    this.#models = models;
    this.#estimates = estimates;
    this.#actions = actions;
    this.favourites = favourites;
  }

  /** Load with the credential of `api` from now on, and show nothing. */
  use(api) {
    this.#api = api;
    this.clear();
  }

  /** Show what can be drawn. */
  clear() {
    this.#job = null;
    this.#begin("empty");
    this.#root.append(emptyStage(this.#models.chosen, this.#actions.draw));
  }

  /** Say what the chosen model draws, where nothing is drawn yet. */
  modelChanged() {
    if (this.empty) this.clear();
  }

  /** Load what did not come, now that the service answers again. */
  mend() {
    if (this.#missing && this.#job) this.show(this.#job);
  }

  /** Whether nothing is shown. */
  get empty() {
    return this.#root.dataset.state === "empty";
  }

  /** The job that is shown. */
  get job() {
    return this.#job;
  }

  /** Whether a drawing on its way is shown. */
  get busy() {
    return this.#active !== null;
  }

  /** A request that the service has not accepted yet. */
  sending(request, onStop) {
    this.#job = null;
    this.#showActive(null, request, button("close", "Stop trying", onStop));
    this.wait("Sending");
  }

  /** A job as it is now. */
  show(job) {
    this.#job = job;
    if (!job.finished_at) return this.#showUnfinished(job);
    this.#begin(job.status);
    const done = job.status === "succeeded";
    const load = (image, url) => this.#load(image, url);
    const parts = { load, favourites: this.favourites, ...this.#actions };
    this.#root.append(
      done ? pictures(job, parts) : withoutPictures(job, parts),
      make(
        "div",
        { className: "below" },
        make("p", { className: "caption", textContent: titleOf(job) }),
        ...(job.warnings ?? []).map((text) => make("p", { className: "notice", textContent: text })),
        make(
          "div",
          { className: "about" },
          facts(job, (id) => this.#models.nameOf(id)),
          done ? jobActions(job, parts) : null,
        ),
      ),
    );
  }

  /** The drawing as it would look now. */
  preview({ image }) {
    this.#active?.preview(image);
  }

  /** Why nothing is drawn yet. */
  wait(text, detail = "") {
    this.#active?.wait(text, detail);
  }

  #begin(state) {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
    this.#active = null;
    this.#missing = false;
    this.#root.dataset.state = state;
    const focused = this.#root.contains(document.activeElement);
    this.#root.replaceChildren();
    if (focused) this.#root.focus({ preventScroll: true });
  }

  #showUnfinished(job) {
    if (this.#active?.id !== job.id) {
      const cancel = () => this.#actions.cancel(job);
      this.#showActive(job.id, job.request, button("close", "Cancel", cancel));
    }
    const estimates = this.#estimates;
    if (job.status === "running") {
      const progress = job.progress ?? { step: 0, steps: 1 };
      return this.#active.progress(progress, estimates.seconds(job.request));
    }
    const place = job.position ?? 1;
    const seconds = estimates.secondsUntilDone(job, this.#actions.unfinished());
    this.wait(
      "Waiting",
      [
        place === 1 ? "next in the queue" : `number ${place} in the queue`,
        seconds === null ? "" : `done in about ${roughly(seconds)}`,
      ]
        .filter(Boolean)
        .join(", "),
    );
  }

  #showActive(id, request, stop) {
    this.#begin("active");
    this.#active = new ActiveDrawing(id, request, stop);
    this.#root.append(...this.#active.elements);
  }

  /** Show a picture while the stage stays as it is; its address, or null when it did not come. */
  async #load(image, url) {
    const { signal } = this.#shown;
    try {
      const address = await loadInto(image, this.#api, url, signal);
      if (signal.aborted) {
        URL.revokeObjectURL(address);
        return null;
      }
      this.#addresses.push(address);
      return address;
    } catch (error) {
      if (signal.aborted) return null;
      image.alt = error.message;
      this.#missing = mayPass(error);
      return null;
    }
  }
}
