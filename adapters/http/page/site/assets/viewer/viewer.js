// A picture as large as the window allows, and the ways from it: to the next one, to its file, to its
// settings.

import { copy } from "../core/clipboard.js";
import { announce, byId, say } from "../core/dom.js";
import { fileName } from "../core/format.js";
import { beforeOf, isUpscale, titleOf } from "../core/requests.js";
import { altOf } from "../stage/finished.js";
import { Zoom } from "./zoom.js";

export class Viewer {
  #dialog = byId("viewer");
  #image = byId("viewer-image");
  #api = null;
  #gallery;
  #favourites;
  #actions;
  #zoom;
  #job = null;
  #number = 0;
  #shown = new AbortController(); // aborts when another picture is shown
  #address = null;

  /** `actions` is the stage's; pictures follow each other as in `gallery`. */
  constructor(gallery, favourites, actions) {
    this.#gallery = gallery;
    this.#favourites = favourites;
    this.#actions = actions;
    this.#zoom = new Zoom(byId("viewer-frame"), this.#image, {
      onScale: (scale) => (byId("viewer-scale").textContent = `${Math.round(100 * scale)} %`),
      onSwipe: (step) => this.#turn(step),
    });
    const on = (id, what) => byId(`viewer-${id}`).addEventListener("click", what);
    on("close", () => this.close());
    on("previous", () => this.#turn(-1));
    on("next", () => this.#turn(1));
    on("smaller", () => this.#zoom.by(-2));
    on("larger", () => this.#zoom.by(2));
    on("fit", () => this.#zoom.fit());
    on("actual", () => this.#zoom.actual());
    on("favourite", () => this.#like());
    on("prompt", ({ currentTarget }) => copy(this.#job.request.prompt, currentTarget));
    on("reuse", () => this.#leaveTo(() => actions.reuse(this.#job.request, this.#seed)));
    on("vary", () => this.#leaveTo(() => actions.vary(this.#job, null)));
    on("next-seed", () => this.#leaveTo(() => actions.vary(this.#job, this.#seed + 1)));
    for (const name of ["start", "upscale", "compare"]) {
      on(name, () => this.#leaveTo(() => actions[name](this.#job, this.#number)));
    }
    on("delete", () => this.#delete());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("close", () => this.#release());
  }

  use(api) {
    this.#api = api;
    this.close();
  }

  /** Show picture `number` of a job that succeeded. */
  open(job, number) {
    this.#show(job, number);
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  get #seed() {
    return this.#job.images[this.#number].seed;
  }

  /** Every picture that the gallery shows, in its order. */
  get #pictures() {
    return this.#gallery.tiles.flatMap(({ job }) =>
      (job.images ?? []).map((_, number) => ({ job, number })),
    );
  }

  #place(pictures) {
    return pictures.findIndex(
      ({ job, number }) => job.id === this.#job.id && number === this.#number,
    );
  }

  async #turn(step) {
    let pictures = this.#pictures;
    const wanted = this.#place(pictures) + step;
    if (wanted >= pictures.length && (await this.#gallery.older())) pictures = this.#pictures;
    if (pictures[wanted]) this.#show(pictures[wanted].job, pictures[wanted].number);
    else announce(step > 0 ? "This is the oldest picture" : "This is the newest picture");
  }

  async #show(job, number) {
    this.#release();
    [this.#job, this.#number] = [job, number];
    const image = job.images[number];
    const upscaled = isUpscale(job.request);
    byId("viewer-caption").textContent = titleOf(job);
    const seed = upscaled ? "" : `Seed ${image.seed} · `;
    byId("viewer-facts").textContent = `${seed}${image.width} × ${image.height}`;
    this.#image.alt = altOf(job, image);
    this.#showFavourite();
    for (const name of ["prompt", "reuse", "vary", "next-seed"]) byId(`viewer-${name}`).hidden = upscaled;
    for (const name of ["start", "upscale"]) byId(`viewer-${name}`).hidden = !image.id;
    byId("viewer-compare").hidden = !beforeOf(job);
    const pictures = this.#pictures;
    const place = this.#place(pictures);
    byId("viewer-previous").disabled = place <= 0;
    byId("viewer-next").disabled = place < 0;
    say(byId("viewer-problem"), "");
    const download = byId("viewer-download");
    download.hidden = true;
    const { signal } = this.#shown;
    try {
      const blob = await this.#api.picture(image.url, signal);
      if (signal.aborted) return;
      this.#address = URL.createObjectURL(blob);
      this.#image.src = this.#address;
      download.href = this.#address;
      download.download = fileName(titleOf(job), image);
      download.hidden = false;
      if (this.#dialog.open) announce(`${this.#image.alt}, ${place + 1} of ${pictures.length}`);
    } catch (error) {
      if (!signal.aborted) say(byId("viewer-problem"), error.message);
    }
  }

  /** Let go of the picture that is shown. */
  #release() {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#image.removeAttribute("src");
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = null;
  }

  #like() {
    this.#favourites.toggle(this.#job.id);
    this.#showFavourite();
  }

  #showFavourite() {
    const is = this.#favourites.has(this.#job.id);
    byId("viewer-favourite").setAttribute("aria-pressed", String(is));
  }

  #leaveTo(what) {
    this.close();
    what();
  }

  async #delete() {
    const pictures = this.#pictures.filter(({ job }) => job.id !== this.#job.id);
    const place = Math.max(0, this.#place(this.#pictures));
    if (!(await this.#actions.remove([this.#job]))) return;
    const next = pictures[Math.min(place, pictures.length - 1)];
    if (next) this.#show(next.job, next.number);
    else this.close();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("confirm").open) return;
    const what = {
      ArrowLeft: () => this.#turn(-1),
      ArrowRight: () => this.#turn(1),
      "+": () => this.#zoom.by(2),
      "=": () => this.#zoom.by(2),
      "-": () => this.#zoom.by(-2),
      0: () => this.#zoom.fit(),
      1: () => this.#zoom.actual(),
      f: () => this.#like(),
      v: () => byId("viewer-vary").click(),
      u: () => byId("viewer-reuse").click(),
      d: () => byId("viewer-download").click(),
      s: () => byId("viewer-start").click(),
      c: () => byId("viewer-compare").click(),
      Delete: () => this.#delete(),
    }[event.key];
    if (!what) return;
    event.preventDefault();
    what();
  }
}
