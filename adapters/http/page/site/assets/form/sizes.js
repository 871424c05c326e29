// The size: shapes to choose from, each of about as many pixels as the model was trained with.

import { byId } from "../core/dom.js";

const OWN = { width: 512, height: 512 }; // of a model that does not say what it was trained with
// Their names and proportions, lying; the form turns them.
const SHAPES = [
  ["1:1", 1],
  ["4:3", 4 / 3],
  ["3:2", 3 / 2],
  ["16:9", 16 / 9],
  ["21:9", 21 / 9],
];
const STEP = 8; // models draw multiples of it
const LARGE = 768; // from here on sides are multiples of 64, as such models were trained

/**
 * The width and height of a shape for a model of this native size, within its bounds.
 *
 * `ratio` is width to height, at least 1. 1024 × 1024 gives the sizes that SDXL was trained with (arXiv 2307.01952, appendix I): 1152 × 896,
 * 1216 × 832, 1344 × 768, 1536 × 640.
 */
export function shaped(ratio, native, { min, max, max_pixels: most }) {
  // Where a side would be out of bounds, both change: the shape stays.
  const wanted = Math.max(native.width * native.height, min * min * ratio);
  const area = Math.min(wanted, (max * max) / ratio);
  const step = Math.sqrt(area) >= LARGE ? 64 : 32;
  const within = (side) => Math.max(min, Math.min(max, side));
  const width = within(Math.floor(Math.sqrt(area * ratio) / step) * step);
  let height = within(Math.round(Math.sqrt(area / ratio) / step) * step);
  while (most && width * height > most && height - step >= min) height -= step;
  return { width, height };
}

/**
 * The size of a drawing that starts from this picture: its own, scaled by one factor if it is out of the
 * model's bounds. So the service sizes a request that leaves width and height out (`SizeLimits.of_picture`).
 */
export function fitted({ width, height }, { min, max, max_pixels: most = max * max }) {
  const factor = Math.min(
    Math.max(1, min / Math.min(width, height)),
    max / Math.max(width, height),
    Math.sqrt(most / (width * height)),
  );
  const side = (length, beside) => {
    const largest = Math.floor(Math.min(max, Math.floor(most / beside)) / STEP) * STEP;
    const nearest = Math.floor((length * factor) / STEP + 0.5) * STEP;
    return Math.max(Math.ceil(min / STEP) * STEP, Math.min(nearest, largest));
  };
  const shorter = side(Math.min(width, height), 1);
  const longer = side(Math.max(width, height), shorter);
  return width < height ? { width: shorter, height: longer } : { width: longer, height: shorter };
}

export class SizeFields {
  #width = byId("width");
  #height = byId("height");
  #chips = byId("shapes");
  #bounds;
  #onChange;
  #pictureChip = byId("picture-shape");
  #model = null;
  #picture = null; // whose shape is offered too
  #byHand = false; // whether a person has chosen the size

  /** `onChange` is called when a person has chosen another size. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#bounds = { min: Number(this.#width.min), max: Number(this.#width.max) };
    byId("swap").addEventListener("click", () => {
      this.#byHand = true;
      this.#set({ width: this.#height.value, height: this.#width.value });
    });
    this.#chips.addEventListener("click", ({ target }) => {
      const chip = target.closest(".chip, .own-chip");
      if (!chip) return;
      this.#byHand = chip !== this.#pictureChip;
      if (this.#byHand) this.#set(chip.dataset);
      else this.#takePicture();
    });
    for (const input of [this.#width, this.#height]) {
      input.addEventListener("input", () => (this.#byHand = true));
    }
  }

  /** Offer the shape of this picture, and take it unless a person has chosen a size. Null: none. */
  follow(picture, { take = true } = {}) {
    this.#picture = picture;
    this.#pictureChip.hidden = picture === null;
    if (picture && take && !this.#byHand) this.#takePicture();
    else this.settle();
  }

  /** Offer the shapes of this model. */
  offer(model) {
    this.#model = model;
    const native = model?.native_size ?? OWN;
    const bounds = model?.sizes ?? this.#bounds;
    for (const input of [this.#width, this.#height]) {
      input.min = bounds.min;
      input.max = bounds.max;
    }
    byId("size-bounds").textContent = `${bounds.min}–${bounds.max} pixels a side`;
    const upright = Number(this.#height.value) > Number(this.#width.value);
    const chips = this.#shapes;
    SHAPES.forEach(([name, ratio], index) => {
      const lying = shaped(ratio, native, bounds);
      const { width, height } = upright ? turned(lying) : lying;
      const chip = chips[index];
      Object.assign(chip.dataset, { width, height });
      const text = upright ? name.split(":").reverse().join(":") : name;
      chip.lastElementChild.textContent = text;
      chip.setAttribute("aria-label", `${text}, ${width} × ${height} pixels`);
      chip.title = `${width} × ${height}`;
      // The little frame shows the shape.
      const longer = Math.max(ratio, 1);
      const [w, h] = upright ? [1 / longer, 1] : [1, 1 / longer];
      const frame = chip.querySelector("rect");
      const attributes = { width: 16 * w, height: 16 * h, x: 10 - 8 * w, y: 10 - 8 * h };
      for (const [key, value] of Object.entries(attributes)) frame.setAttribute(key, value);
    });
    this.settle();
  }

  /** Take the model's own size where the form still has another's. */
  takeNative(model) {
    const native = model?.native_size;
    if (!native) return;
    this.offer(model);
    this.#byHand = false;
    if (this.#picture) this.#takePicture();
    else this.#set(native);
  }

  /** Let the chips show which of them is chosen. */
  settle() {
    const [width, height] = [this.#width.value, this.#height.value];
    const show = (chip, size) => {
      const same = String(size?.width) === width && String(size?.height) === height;
      chip.setAttribute("aria-pressed", String(same));
    };
    for (const chip of this.#shapes) show(chip, chip.dataset);
    show(this.#pictureChip, this.#fitted());
    byId("size-now").textContent = `${width} × ${height}`;
  }

  get #shapes() {
    return [...this.#chips.querySelectorAll(".chip")];
  }

  #fitted() {
    return this.#picture && fitted(this.#picture, this.#model?.sizes ?? this.#bounds);
  }

  #takePicture() {
    this.#set(this.#fitted());
  }

  #set({ width, height }) {
    this.#width.value = width;
    this.#height.value = height;
    this.#onChange();
  }
}

const turned = ({ width, height }) => ({ width: height, height: width });
