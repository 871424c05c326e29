// A painted mask, as a list of steps. Steps can be undone, and drawn at any size.

const WHITE = "#fff";

/** A mask of `width` × `height` pixels. The painted part of the picture is drawn again. */
export class Strokes {
  #width;
  #height;
  #base; // a mask from before, or null
  #colour = WHITE;
  #steps = [];
  #undone = [];

  /** `base` is an image whose opacity is the mask from before, or null. */
  constructor(width, height, base = null) {
    [this.#width, this.#height, this.#base] = [width, height, base];
  }

  get canUndo() {
    return this.#steps.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Begin a stroke of this width at a point, in pixels of the picture. */
  begin({ size, erases }, point) {
    this.#add({ kind: "stroke", size, erases, points: [point] });
  }

  /** Extend the stroke to a point. Return its new part. */
  extend(point) {
    const stroke = this.#steps.at(-1);
    stroke.points.push(point);
    return { ...stroke, points: stroke.points.slice(-2) };
  }

  /** The step that was added last. */
  get last() {
    return this.#steps.at(-1);
  }

  /** Remove the last step for good, such as the stroke of a finger that began a pinch. */
  drop() {
    this.#steps.pop();
  }

  clear() {
    this.#add({ kind: "clear" });
  }

  invert() {
    this.#add({ kind: "invert" });
  }

  undo() {
    if (this.canUndo) this.#undone.push(this.#steps.pop());
  }

  redo() {
    if (this.canRedo) this.#steps.push(this.#undone.pop());
  }

  /** The colour of the mask on the screen. The file is always white on black. */
  set colour(colour) {
    this.#colour = colour;
  }

  /** Draw everything on a context whose unit is a pixel of the picture. */
  drawAll(context) {
    const all = [0, 0, this.#width, this.#height];
    context.clearRect(...all);
    if (this.#base) {
      context.save();
      context.drawImage(this.#base, ...all);
      context.globalCompositeOperation = "source-in";
      context.fillStyle = this.#colour;
      context.fillRect(...all);
      context.restore();
    }
    for (const step of this.#steps) this.draw(context, step);
  }

  /** Draw one step. */
  draw(context, step) {
    context.save();
    context.fillStyle = context.strokeStyle = this.#colour;
    if (step.kind === "clear") context.clearRect(0, 0, this.#width, this.#height);
    else if (step.kind === "invert") {
      context.globalCompositeOperation = "source-out";
      context.fillRect(0, 0, this.#width, this.#height);
    } else this.#drawStroke(context, step);
    context.restore();
  }

  /** The mask as a PNG of the picture's size: white is drawn again, black stays. */
  async toBlob() {
    const canvas = new OffscreenCanvas(this.#width, this.#height);
    const context = canvas.getContext("2d");
    this.#colour = WHITE;
    this.drawAll(context);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.#width, this.#height);
    return canvas.convertToBlob({ type: "image/png" });
  }

  #drawStroke(context, { size, erases, points }) {
    if (erases) context.globalCompositeOperation = "destination-out";
    context.lineWidth = size;
    context.lineCap = context.lineJoin = "round";
    const [first, ...others] = points;
    context.beginPath();
    // A line without length would not be drawn.
    context.arc(first.x, first.y, size / 2, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    context.moveTo(first.x, first.y);
    for (const point of others) context.lineTo(point.x, point.y);
    context.stroke();
  }

  #add(step) {
    this.#steps.push(step);
    this.#undone = [];
  }
}

/** An image whose opacity is the lightness of the mask in this file. */
export async function opacityOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // Transparent pixels of a mask count as white.
  context.fillStyle = WHITE;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    // The weights of ITU-R BT.601, as in Pillow.
    data[at + 3] = Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]);
    data[at] = data[at + 1] = data[at + 2] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Whether nothing is painted on this context. */
export function isBlank(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  for (let at = 3; at < data.length; at += 4) if (data[at]) return false;
  return true;
}
