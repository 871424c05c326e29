// The caller's jobs as a contact sheet, newest first.

import { byId, say } from "../core/dom.js";
import { Filters } from "./filters.js";
import { Selection } from "./selection.js";
import { Thumbnails } from "./thumbnails.js";
import { Tile } from "./tile.js";

const PAGE = 100; // jobs that are asked for at once: the most that the service gives
const NEWS = 20; // that are looked at again for what is new
const MOST_SEARCHED = 2_000; // jobs that a search loads by itself
const NEAR = "900px"; // the end of the sheet is reached this far before it is seen

export class Gallery {
  #sheet = byId("sheet");
  #more = byId("older");
  #thumbnails = new Thumbnails();
  #favourites;
  #filters;
  #selection;
  #api = null;
  #tiles = new Map(); // by job id, in the order of the sheet or not
  #cursor = null;
  #begun = false; // whether a page was taken in
  #loading = false;
  #onLearn;

  /**
   * `actions` has `open(job)`, which somebody wants to look at, `remove(jobs)`, and `learn(job)`,
   * which is called with each job that is seen.
   */
  constructor(favourites, { open, remove, learn }) {
    this.#favourites = favourites;
    this.#onLearn = learn;
    this.#filters = new Filters(favourites, () => this.#filter());
    this.#selection = new Selection(this, { remove });
    favourites.onChange = (id) => {
      const tile = this.#tiles.get(id);
      if (!tile) return;
      tile.favourite = favourites.has(id);
      tile.item.hidden = !this.#filters.passes(tile.job);
      this.#settle();
    };
    this.#more.addEventListener("click", () => this.older({ focus: true }));
    this.#sheet.addEventListener("click", (event) => {
      const tile = this.#tileOf(event.target);
      if (!tile) return;
      if (this.#selection.active) this.#selection.toggle(tile, event.shiftKey);
      else open(tile.job);
    });
    this.#sheet.addEventListener("keydown", (event) => {
      const tile = this.#tileOf(event.target);
      if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Delete") remove([tile.job]);
      else if (event.key.toLowerCase() === "f") favourites.toggle(tile.job.id);
    });
    new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) this.#loadOnSight();
      },
      { rootMargin: NEAR, scrollMargin: NEAR },
    ).observe(this.#more);
  }

  /** Begin anew with the jobs of another caller. */
  use(api) {
    this.#api = api;
    this.#selection.end();
    this.#thumbnails.use(api);
    this.#tiles.clear();
    this.#sheet.replaceChildren();
    this.#filters.clear();
    this.#cursor = null;
    this.#begun = false;
    this.#loading = false;
    this.#settle();
  }

  /** The tiles that are shown, in their order. */
  get tiles() {
    return [...this.#sheet.children]
      .filter(({ hidden }) => !hidden)
      .map(({ dataset }) => this.#tiles.get(dataset.id));
  }

  /** The jobs on the sheet that go on, oldest first. */
  get unfinished() {
    return [...this.#tiles.values()]
      .map(({ job }) => job)
      .filter((job) => !job.finished_at)
      .sort((a, b) => a.created_at.localeCompare(b.created_at));
  }

  get newest() {
    const first = this.#sheet.firstElementChild;
    return first && this.#tiles.get(first.dataset.id).job;
  }

  /** Take in the newest page: what is new since the last time, and what has changed. */
  async refresh() {
    const api = this.#api;
    const page = await api.jobs({ limit: this.#begun ? NEWS : PAGE });
    if (api !== this.#api) return;
    // With more new ones than a page holds, those between are older than this page.
    const gap = !page.jobs.some((job) => this.#tiles.has(job.id));
    page.jobs.forEach((job) => this.#take(job));
    if (gap || !this.#begun) this.#cursor = page.next_cursor;
    this.#begun = true;
    this.#settle();
  }

  /** Show a job as it is now; a new one in its place. */
  update(job) {
    this.#take(job);
    this.#settle();
  }

  /** Take these jobs off the sheet. */
  remove(ids) {
    for (const id of ids) {
      this.#tiles.get(id)?.drop();
      this.#tiles.delete(id);
      this.#favourites.drop(id);
    }
    this.#settle();
  }

  /** Mark the tile of the job that is looked at. */
  mark(id) {
    this.#sheet.querySelector("[aria-current]")?.removeAttribute("aria-current");
    this.#tiles.get(id)?.button.setAttribute("aria-current", "true");
  }

  /** Load a page of older jobs; whether there was one. */
  async older({ focus = false } = {}) {
    if (this.#loading || this.#cursor === null) return false;
    const api = this.#api;
    this.#loading = true;
    this.#more.disabled = true;
    say(byId("history-error"), "");
    try {
      const page = await api.jobs({ cursor: this.#cursor, limit: PAGE });
      if (api !== this.#api) return false;
      const before = this.#sheet.childElementCount;
      page.jobs.forEach((job) => this.#take(job));
      this.#cursor = page.next_cursor;
      if (focus) this.#sheet.children[before]?.firstElementChild.focus({ preventScroll: true });
      return true;
    } catch (error) {
      say(byId("history-error"), error.message);
      return false;
    } finally {
      this.#loading = false;
      this.#more.disabled = false;
      this.#settle();
    }
  }

  async #loadOnSight() {
    const within = () => this.#filters.active && this.#tiles.size < MOST_SEARCHED;
    while ((await this.older()) && within() && this.tiles.length < PAGE);
  }

  #filter() {
    for (const { item, job } of this.#tiles.values()) item.hidden = !this.#filters.passes(job);
    this.#settle();
    if (this.#filters.active) this.#loadOnSight();
  }

  #take(job) {
    this.#onLearn(job);
    const known = this.#tiles.get(job.id);
    if (known) {
      known.update(job);
      known.item.hidden = !this.#filters.passes(job);
      return;
    }
    const tile = new Tile(job, this.#thumbnails);
    tile.favourite = this.#favourites.has(job.id);
    tile.item.hidden = !this.#filters.passes(job);
    this.#tiles.set(job.id, tile);
    this.#place(tile);
  }

  #place({ item, job }) {
    const created = (each) => this.#tiles.get(each.dataset.id).job.created_at;
    const { firstElementChild: first, lastElementChild: last } = this.#sheet;
    if (!last || created(last) >= job.created_at) this.#sheet.append(item);
    else if (created(first) < job.created_at) this.#sheet.prepend(item);
    else {
      const older = [...this.#sheet.children].find((each) => created(each) < job.created_at);
      this.#sheet.insertBefore(item, older);
    }
  }

  #tileOf(element) {
    return this.#tiles.get(element.closest("li")?.dataset.id);
  }

  #settle() {
    this.#selection.show();
    const all = this.#tiles.size;
    const shown = [...this.#tiles.values()].filter(({ item }) => !item.hidden).length;
    const more = this.#cursor !== null;
    this.#more.hidden = !more;
    byId("number-of-pictures").textContent = all ? `${shown}${more ? "+" : ""}` : "";
    byId("no-history").hidden = all > 0 || !this.#begun;
    byId("nothing-found").hidden = all === 0 || shown > 0 || more;
    byId("gallery-tools").hidden = all === 0;
  }
}
