// The job that is looked at: on its way, or what became of it.

import { announce, button, byId, make } from "./dom.js";
import { facts, pictures, withoutPictures } from "./finished.js";
import { duration } from "./format.js";
import { loadInto } from "./pictures.js";

const PREVIEW = /^data:image\/(jpeg|png|webp);base64,/;

export class Stage {
  #root = byId("stage");
  #api = null;
  #models;
  #viewer;
  #actions;
  #shown = new AbortController(); // aborts when something else is shown
  #addresses = [];
  #active = null; // the parts of what is on its way

  /** `actions` has `cancel(job)` and `reuse(request, seed)`. */
  constructor(models, viewer, actions) {
    this.#models = models;
    this.#viewer = viewer;
    this.#actions = actions;
  }

  /** Load with the credential of `api` from now on, and show nothing. */
  use(api) {
    this.#api = api;
    this.#begin("empty");
    const lead = "Say what you would like to see, and draw.";
    this.#root.append(make("p", { className: "lead", textContent: lead }));
  }

  /** Whether nothing is shown. */
  get empty() {
    return this.#root.dataset.state === "empty";
  }

  /** A request that the service has not accepted yet. */
  sending(request, onStop) {
    this.#showActive(request, null, button("close", "Stop trying", onStop));
    this.wait("Sending");
  }

  /** A job as it is now. */
  show(job) {
    if (!job.finished_at) return this.#showUnfinished(job);
    this.#begin(job.status);
    const { reuse } = this.#actions;
    const load = (image, url) => this.#load(image, url);
    this.#root.append(
      job.status === "succeeded"
        ? pictures(job, { load, viewer: this.#viewer, reuse })
        : withoutPictures(job, reuse),
      make("p", { className: "caption", textContent: job.request.prompt }),
      ...(job.warnings ?? []).map((text) => make("p", { className: "notice", textContent: text })),
      facts(job, (id) => this.#models.nameOf(id)),
    );
  }

  /** How far the drawing is. */
  progress({ step, steps, seconds_left: left }) {
    if (!this.#active) return;
    const { bar, words, time } = this.#active;
    bar.max = steps;
    bar.value = step;
    words.textContent = step ? `Step ${step} of ${steps}` : "Getting ready";
    time.textContent = left === undefined ? "" : `${duration(left)} left`;
    bar.setAttribute("aria-valuetext", `${words.textContent} ${time.textContent}`.trim());
    const quarter = Math.floor((4 * step) / steps);
    if (quarter > this.#active.said && quarter < 4) {
      this.#active.said = quarter;
      announce(`${25 * quarter} % drawn. ${time.textContent}`);
    }
  }

  /** The drawing as it would look now. */
  preview({ image }) {
    if (!this.#active || !PREVIEW.test(image)) return;
    this.#active.picture.src = image;
    this.#active.picture.hidden = false;
  }

  /** Why nothing is drawn yet. */
  wait(text, detail = "") {
    if (!this.#active) return;
    const { bar, words, time } = this.#active;
    bar.removeAttribute("value");
    bar.setAttribute("aria-valuetext", `${text} ${detail}`.trim());
    words.textContent = text;
    time.textContent = detail;
    announce(text);
  }

  #begin(state) {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#viewer.close();
    this.#addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
    this.#active = null;
    this.#root.dataset.state = state;
    const focused = this.#root.contains(document.activeElement);
    this.#root.replaceChildren();
    if (focused) this.#root.focus({ preventScroll: true });
  }

  #showUnfinished(job) {
    if (this.#active?.id !== job.id) {
      const cancel = () => this.#actions.cancel(job);
      this.#showActive(job.request, job.id, button("close", "Cancel", cancel));
    }
    if (job.status === "running") return this.progress(job.progress ?? { step: 0, steps: 1 });
    const place = job.position ?? 1;
    this.wait("Waiting", place === 1 ? "next in the queue" : `number ${place} in the queue`);
  }

  #showActive(request, id, stop) {
    this.#begin("active");
    const picture = make("img", { alt: "The picture so far", hidden: true });
    const frame = make("div", { className: "frame" }, picture);
    frame.style.aspectRatio = `${Number(request.width)} / ${Number(request.height)}`;
    const bar = make("progress", { max: 1 });
    bar.setAttribute("aria-label", "Progress of the drawing");
    const words = make("span");
    const time = make("span", { className: "time" });
    this.#active = { id, picture, bar, words, time, said: 0 };
    const line = make("div", { className: "going-line" }, make("p", {}, words, time), stop);
    this.#root.append(
      frame,
      make("div", { className: "going" }, bar, line),
      make("p", { className: "caption", textContent: request.prompt }),
    );
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
      if (!signal.aborted) image.alt = error.message;
      return null;
    }
  }
}
