// A drawing on its way: how far it is, how long it takes, and how it looks so far.

import { announce, make } from "../core/dom.js";
import { duration, roughly } from "../core/format.js";
import { shapeOf, titleOf } from "../core/requests.js";

const PREVIEW = /^data:image\/(jpeg|png|webp);base64,/;

export class ActiveDrawing {
  #picture = make("img", { alt: "The picture so far", hidden: true });
  #bar = make("progress", { max: 1 });
  #words = make("span");
  #time = make("span", { className: "time" });
  #said = 0; // quarters that were announced

  /** `stop` is the button that ends it. */
  constructor(id, request, stop) {
    this.id = id;
    this.#bar.setAttribute("aria-label", "Progress of the drawing");
    const frame = make("div", { className: "frame" }, this.#picture);
    frame.style.aspectRatio = shapeOf(request);
    frame.style.setProperty("--shape", shapeOf(request));
    const line = make("p", {}, this.#words, this.#time);
    this.elements = [
      make("div", { className: "area" }, frame),
      make(
        "div",
        { className: "below" },
        make("div", { className: "going" }, this.#bar, make("div", { className: "going-line" }, line, stop)),
        make("p", { className: "caption", textContent: titleOf({ request }) }),
      ),
    ];
  }

  /** How far the drawing is. `estimate` is in seconds, while the service says nothing yet. */
  progress({ step, steps, seconds_left: left }, estimate = null) {
    this.#bar.max = steps;
    this.#bar.value = step;
    this.#words.textContent = step ? `Step ${step} of ${steps}` : "Getting ready";
    if (left !== undefined) this.#time.textContent = `${duration(left)} left`;
    else this.#time.textContent = estimate === null ? "" : `about ${roughly(estimate)}`;
    this.#tell(`${this.#words.textContent} ${this.#time.textContent}`);
    const quarter = Math.floor((4 * step) / steps);
    if (quarter > this.#said && quarter < 4) {
      this.#said = quarter;
      announce(`${25 * quarter} % drawn. ${this.#time.textContent}`);
    }
  }

  /** The drawing as it would look now. */
  preview(image) {
    if (!PREVIEW.test(image)) return;
    this.#picture.src = image;
    this.#picture.hidden = false;
  }

  /** Why nothing is drawn yet. */
  wait(text, detail = "") {
    this.#bar.removeAttribute("value");
    this.#words.textContent = text;
    this.#time.textContent = detail;
    this.#tell(`${text} ${detail}`);
    announce(text);
  }

  #tell(text) {
    this.#bar.setAttribute("aria-valuetext", text.trim());
  }
}
