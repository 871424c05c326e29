// The caller's jobs as a contact sheet, newest first.

import { byId, make, say } from "./dom.js";
import { when } from "./format.js";
import { Thumbnails } from "./pictures.js";

const WORDS = { queued: "Waiting", running: "Drawing", failed: "Failed", cancelled: "Cancelled" };

export class History {
  #sheet = byId("sheet");
  #more = byId("older");
  #thumbnails = new Thumbnails();
  #api = null;
  #tiles = new Map(); // by job id: the job, and what shows it
  #cursor = null;
  #begun = false; // whether a page was taken in
  #onOpen;

  /** `onOpen` is called with the job that somebody wants to look at. */
  constructor(onOpen) {
    this.#onOpen = onOpen;
    this.#more.addEventListener("click", () => this.#older());
  }

  /** Begin anew with the jobs of another caller. */
  use(api) {
    this.#api = api;
    this.#thumbnails.use(api);
    this.#tiles.clear();
    this.#sheet.replaceChildren();
    this.#cursor = null;
    this.#begun = false;
    this.#settle();
  }

  /** The jobs on the sheet that go on, oldest first. */
  get unfinished() {
    return [...this.#tiles.values()]
      .map(({ job }) => job)
      .filter((job) => !job.finished_at)
      .sort((a, b) => a.created_at.localeCompare(b.created_at));
  }

  get newest() {
    return this.#sheet.firstElementChild && this.#jobOf(this.#sheet.firstElementChild);
  }

  /** Take in the newest page: what is new since the last time, and what has changed. */
  async refresh() {
    const api = this.#api;
    const page = await api.jobs();
    if (api !== this.#api) return;
    // With more new ones than a page holds, those between are older than this page.
    const gap = !page.jobs.some((job) => this.#tiles.has(job.id));
    page.jobs.forEach((job) => this.update(job));
    if (gap || !this.#begun) this.#cursor = page.next_cursor;
    this.#begun = true;
    this.#settle();
  }

  /** Show a job as it is now; a new one in its place. */
  update(job) {
    const known = this.#tiles.get(job.id);
    if (known) {
      const same = known.job.status === job.status && known.job.created_at === job.created_at;
      known.job = job;
      if (same) return this.#describe(known);
      this.#fill(known);
    } else {
      const button = make("button", { type: "button", className: "tile" });
      const tile = { job, button, item: make("li", { data: { id: job.id } }, button) };
      button.addEventListener("click", () => this.#onOpen(tile.job));
      this.#tiles.set(job.id, tile);
      this.#fill(tile);
      this.#place(tile);
    }
    this.#settle();
  }

  /** Mark the tile of the job that is looked at. */
  mark(id) {
    for (const [each, { button }] of this.#tiles) {
      if (each === id) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  async #older() {
    this.#more.disabled = true;
    say(byId("history-error"), "");
    try {
      const page = await this.#api.jobs({ cursor: this.#cursor });
      const before = this.#sheet.childElementCount;
      page.jobs.forEach((job) => this.update(job));
      this.#cursor = page.next_cursor;
      this.#sheet.children[before]?.firstElementChild.focus({ preventScroll: true });
    } catch (error) {
      say(byId("history-error"), error.message);
    } finally {
      this.#more.disabled = false;
      this.#settle();
    }
  }

  #fill(tile) {
    const { job, button } = tile;
    const old = button.querySelector("img");
    if (old) this.#thumbnails.drop(old);
    button.dataset.status = job.status;
    const images = job.images ?? [];
    tile.words = make("span", { className: "tile-words" });
    button.replaceChildren(
      make(
        "span",
        { className: "tile-picture" },
        images.length ? this.#thumbnails.image(images[0].url, "") : tile.words,
        images.length > 1 ? make("span", { className: "badge", textContent: images.length }) : null,
      ),
      make("span", { className: "tile-caption", textContent: job.request.prompt }),
    );
    this.#describe(tile);
  }

  #describe({ job, button, words }) {
    const state = WORDS[job.status];
    const { step, steps } = job.progress ?? {};
    words.textContent = job.status === "running" && step ? `${Math.floor((100 * step) / steps)} %` : state;
    const parts = [job.request.prompt, state, job.images && `${job.images.length} ×`, when(job.created_at)];
    button.setAttribute("aria-label", parts.filter(Boolean).join(", "));
    button.title = job.error ? `${job.request.prompt}\n${job.error.detail}` : job.request.prompt;
  }

  #place(tile) {
    const { created_at: created } = tile.job;
    const older = [...this.#sheet.children].find((item) => this.#jobOf(item).created_at < created);
    this.#sheet.insertBefore(tile.item, older ?? null);
  }

  #jobOf(item) {
    return this.#tiles.get(item.dataset.id).job;
  }

  #settle() {
    this.#more.hidden = this.#cursor === null;
    byId("no-history").hidden = this.#tiles.size > 0;
  }
}
