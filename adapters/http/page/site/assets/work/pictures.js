// Draws from a finished picture, enlarges it, and compares it with its source.

import { announce } from "../core/dom.js";
import { later } from "../core/later.js";
import { beforeOf, titleOf } from "../core/requests.js";
import { turnTo, unfoldSettings } from "./views.js";

export class PictureActions {
  #form;
  #models;
  #drawing;
  #report;
  #api = null;

  /** `report(error)` shows what went wrong. */
  constructor(form, models, drawing, report) {
    [this.#form, this.#models, this.#drawing, this.#report] = [form, models, drawing, report];
  }

  use(api) {
    this.#api = api;
  }

  /** Let the next drawing start from this picture of a job. */
  start(job, number) {
    const image = job.images[number];
    this.#form.start.takeKnown(image, titleOf(job));
    turnTo("create");
    unfoldSettings(true);
    this.#form.lookAtStart();
    announce("The next drawing starts from this picture");
  }

  /** Ask how to enlarge this picture, and do it. */
  async upscale(job, number) {
    const { id, width, height } = job.images[number];
    try {
      const { askUpscale } = await later("pictures/upscale");
      const send = (fields) => this.#drawing.upscale({ image: { id }, ...fields });
      askUpscale({ width, height, upscalers: this.#models.upscalers, send });
    } catch (error) {
      this.#report(error);
    }
  }

  /** Compare this picture with the one that it began with. */
  async compare(job, number) {
    const api = this.#api;
    try {
      const [{ compare }, before, after] = await Promise.all([
        later("pictures/compare"),
        api.pictureOf(beforeOf(job)),
        api.picture(job.images[number].url),
      ]);
      const fit = job.request.resize_mode ?? "stretch";
      if (api === this.#api) await compare({ before, after, fit, title: titleOf(job) });
    } catch (error) {
      this.#report(error);
    }
  }
}
