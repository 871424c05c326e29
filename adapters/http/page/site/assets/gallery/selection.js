// Choosing several jobs of the gallery, to delete them or to like them.

import { announce, byId } from "../core/dom.js";
import { count } from "../core/format.js";

export class Selection {
  #bar = byId("selection");
  #begin = byId("select");
  #chosen = new Set();
  #last = null;
  #gallery;
  active = false;

  /** `gallery` has `tiles` (those that are shown); `actions` has `remove(jobs)`. */
  constructor(gallery, actions) {
    this.#gallery = gallery;
    this.#begin.addEventListener("click", () => this.begin());
    byId("selection-done").addEventListener("click", () => this.end());
    byId("selection-all").addEventListener("click", () => {
      const tiles = gallery.tiles;
      const all = tiles.every(({ job }) => this.#chosen.has(job.id));
      this.#chosen = new Set(all ? [] : tiles.map(({ job }) => job.id));
      this.show();
    });
    byId("selection-delete").addEventListener("click", async () => {
      const jobs = gallery.tiles.map(({ job }) => job).filter(({ id }) => this.#chosen.has(id));
      if (jobs.length && (await actions.remove(jobs))) this.end();
    });
    byId("gallery").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.active) this.end();
    });
  }

  begin() {
    this.active = true;
    this.#bar.hidden = false;
    byId("gallery").dataset.selecting = "";
    this.show();
    byId("selection-done").focus();
  }

  end() {
    if (!this.active) return;
    this.active = false;
    this.#chosen.clear();
    this.#last = null;
    this.#bar.hidden = true;
    delete byId("gallery").dataset.selecting;
    for (const tile of this.#gallery.tiles) tile.chosen = null;
    this.#begin.focus();
  }

  /** Choose this tile or give it up; with `range`, all from the last one to this. */
  toggle(tile, range) {
    const tiles = this.#gallery.tiles;
    const [from, to] = [tiles.indexOf(this.#last), tiles.indexOf(tile)];
    const on = !this.#chosen.has(tile.job.id);
    const some = range && from >= 0 ? tiles.slice(Math.min(from, to), Math.max(from, to) + 1) : [tile];
    for (const { job } of some) {
      if (on) this.#chosen.add(job.id);
      else this.#chosen.delete(job.id);
    }
    this.#last = tile;
    this.show();
  }

  /** Let the tiles and the bar show what is chosen. */
  show() {
    if (!this.active) return;
    const tiles = this.#gallery.tiles;
    const shown = new Set(tiles.map(({ job }) => job.id));
    for (const id of [...this.#chosen]) if (!shown.has(id)) this.#chosen.delete(id);
    for (const tile of tiles) tile.chosen = this.#chosen.has(tile.job.id);
    const text = `${count(this.#chosen.size, "drawing")} chosen`;
    byId("selection-count").textContent = text;
    byId("selection-delete").disabled = this.#chosen.size === 0;
    announce(text);
  }
}
