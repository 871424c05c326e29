// Before and after: the source picture lies over the finished one, up to a slider.

import { iconButton, make } from "../core/dom.js";
import { Zoom } from "../viewer/zoom.js";

const NEAR = 28; // CSS pixels from the slider within which a pointer takes it
const STEP = 5; // of 100, for an arrow key on the slider

/**
 * Show two picture files in a window until a person closes it.
 *
 * `fit` is how the drawing fitted the first to its own shape: `stretch`, `crop` or `pad`.
 */
export async function compare({ before, after, fit, title }) {
  const addresses = [before, after].map((blob) => URL.createObjectURL(blob));
  try {
    const comparison = new Comparison(addresses, { fit, title });
    await comparison.shown();
  } finally {
    addresses.forEach((address) => URL.revokeObjectURL(address));
  }
}

class Comparison {
  #dialog;
  #before;
  #after;
  #paper;
  #frame;
  #slider;
  #zoom;
  #sliding = null; // the pointer that holds the slider

  constructor([before, after], { fit, title }) {
    this.#before = make("img", { src: before, alt: "", className: "compare-before", data: { fit }, draggable: false });
    this.#after = make("img", { src: after, alt: "", draggable: false });
    const line = make("div", { className: "compare-line" });
    this.#paper = make("div", { className: "compare-paper" }, this.#after, this.#before, line);
    this.#frame = make(
      "div",
      { className: "viewer-frame compare-frame" },
      this.#paper,
      make("span", { className: "compare-word", textContent: "Before" }),
      make("span", { className: "compare-word", textContent: "After" }),
    );
    this.#slider = make("input", { type: "range", min: 0, max: 100, step: STEP, value: 50, className: "compare-slider" });
    this.#slider.setAttribute("aria-label", "Before and after");
    this.#slider.addEventListener("input", () => this.#show(Number(this.#slider.value)));
    const close = iconButton("close", "Close", () => this.#dialog.close());
    close.title = "Close (Esc)";
    const top = make(
      "div",
      { className: "viewer-top" },
      make("div", { className: "viewer-words" }, make("p", { textContent: title })),
      close,
    );
    const bar = make("div", { className: "viewer-bar" }, this.#slider);
    this.#dialog = make("dialog", { className: "viewer" }, top, this.#frame, bar);
    this.#dialog.setAttribute("aria-label", "Before and after");
    this.#frame.addEventListener("pointerdown", (event) => this.#down(event));
    this.#frame.addEventListener("pointermove", (event) => {
      if (this.#sliding === event.pointerId) this.#slide(event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.#frame.addEventListener(end, () => (this.#sliding = null));
    }
  }

  async shown() {
    const focused = document.activeElement;
    // If the browser cannot show one of the files, it still shows the other.
    await Promise.all([this.#before, this.#after].map((image) => image.decode().catch(() => {})));
    const size = { width: this.#after.naturalWidth || 1, height: this.#after.naturalHeight || 1 };
    this.#paper.style.width = `${size.width}px`;
    this.#paper.style.height = `${size.height}px`;
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#zoom = new Zoom(this.#frame, this.#paper, {
      onScale: (scale) => this.#paper.style.setProperty("--pixel", `${devicePixelRatio / scale}px`),
      size: () => size,
      moves: () => this.#sliding === null,
    });
    this.#zoom.fit();
    this.#show(50);
    this.#slider.focus();
    await new Promise((resolve) => this.#dialog.addEventListener("close", resolve, { once: true }));
    this.#dialog.remove();
    focused?.focus();
  }

  /** Show so much of the first picture, of 100. */
  #show(share) {
    this.#paper.style.setProperty("--at", `${share}%`);
    this.#slider.value = share;
    this.#slider.setAttribute("aria-valuetext", `${Math.round(share)} % before`);
  }

  #down(event) {
    if (event.button !== 0) return;
    if (this.#sliding !== null) {
      this.#sliding = null; // two fingers enlarge
      return;
    }
    const { left, width } = this.#paper.getBoundingClientRect();
    const line = left + (width * Number(this.#slider.value)) / 100;
    // An enlarged picture is moved, unless the slider itself is taken.
    if (!this.#zoom.fits && Math.abs(event.clientX - line) > NEAR) return;
    this.#sliding = event.pointerId;
    this.#slide(event);
  }

  #slide({ clientX }) {
    const { left, width } = this.#paper.getBoundingClientRect();
    this.#show(Math.max(0, Math.min(100, (100 * (clientX - left)) / width)));
  }
}
