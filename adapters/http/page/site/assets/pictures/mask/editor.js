// A mask painted over a picture, in a window of its own. Closing it keeps what was painted.

import { announce, button, iconButton, make } from "../../core/dom.js";
import { Zoom } from "../../viewer/zoom.js";
import { Hand } from "./hand.js";
import { isBlank, opacityOf, Strokes } from "./strokes.js";

const MOST_PIXELS = 4e6; // of the canvas that is painted on; the mask itself has the picture's size
const COLOUR = "#ff2d8a"; // pictures seldom have it
const KEYS =
  "Arrow keys move the brush, with Shift by less. Space paints while it is held, Enter puts the brush down and lifts it. " +
  "[ and ] change its size. B is the brush, E the eraser, M moves the picture, + and − enlarge it.";

export class MaskEditor {
  #size;
  #strokes;
  #context;
  #zoom;
  #hand;
  #tool = "brush";
  #changed = false;
  #dialog;
  #frame;
  #paper;
  #ring = make("div", { className: "mask-ring" });
  #tools = new Map();
  #undo;
  #redo;
  #width;

  /**
   * Let a person paint; the mask as a PNG, null when nothing is painted, undefined when nothing changed.
   *
   * `picture` and `mask` are files; `mask` is null for none.
   */
  static async paint({ picture, mask, width, height }) {
    const base = mask && (await opacityOf(mask));
    const address = URL.createObjectURL(picture);
    try {
      const editor = new MaskEditor(address, base, { width, height });
      return await editor.#painted();
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  constructor(address, base, size) {
    this.#size = size;
    this.#strokes = new Strokes(size.width, size.height, base);
    this.#strokes.colour = COLOUR;
    this.#build(address);
    this.#zoom = new Zoom(this.#frame, this.#paper, {
      onScale: (scale) => this.#paper.style.setProperty("--pixel", `${devicePixelRatio / scale}px`),
      size: () => size,
      moves: () => this.#tool === "move",
    });
    this.#hand = new Hand(this.#frame, this.#paper, size, {
      begin: (point) => this.#begin(point),
      extend: (point) => this.#strokes.draw(this.#context, this.#strokes.extend(point)),
      drop: () => {
        this.#strokes.drop();
        this.#redraw();
      },
      end: () => this.#settle(),
      moved: (how) => this.#moved(how),
      step: () => Number(this.#width.value) / 4,
      paints: () => this.#tool !== "move",
    });
    this.#redraw();
    this.#choose("brush");
    this.#moved({ byPointer: true });
  }

  async #painted() {
    const dialog = this.#dialog;
    const focused = document.activeElement;
    document.body.append(dialog);
    dialog.showModal();
    this.#zoom.fit();
    this.#frame.focus();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    dialog.remove();
    focused?.focus();
    if (!this.#changed) return undefined;
    return isBlank(this.#context) ? null : this.#strokes.toBlob();
  }

  #build(address) {
    const { width, height } = this.#size;
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
    const canvas = make("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    this.#context = canvas.getContext("2d");
    this.#context.scale(canvas.width / width, canvas.height / height);
    this.#paper = make(
      "div",
      { className: "mask-paper" },
      make("img", { src: address, alt: "", draggable: false }),
      canvas,
      this.#ring,
    );
    this.#paper.style.width = `${width}px`;
    this.#paper.style.height = `${height}px`;
    this.#frame = make("div", { className: "viewer-frame mask-frame", tabIndex: 0 }, this.#paper);
    this.#frame.setAttribute("role", "application");
    this.#frame.setAttribute("aria-label", "The mask over the picture");
    const help = make("p", { className: "sr-only", id: "mask-help", textContent: KEYS });
    this.#frame.setAttribute("aria-describedby", help.id);
    const announcer = make("p", { className: "sr-only", data: { announcer: "" } });
    announcer.setAttribute("aria-live", "polite");
    this.#dialog = make("dialog", { className: "viewer mask-editor" }, this.#top(), this.#frame, this.#bar(), help, announcer);
    this.#dialog.setAttribute("aria-label", "Paint a mask");
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
  }

  #top() {
    const done = button("check", "Done", () => this.#dialog.close());
    done.title = "Use the mask (Esc)";
    const words = make("p", { textContent: "Paint what is drawn again" });
    return make("div", { className: "viewer-top" }, make("div", { className: "viewer-words" }, words), done);
  }

  #bar() {
    const tool = (name, symbol, text, key) => {
      const made = iconButton(symbol, `${text} (${key})`, () => this.#choose(name));
      made.setAttribute("aria-label", text);
      this.#tools.set(name, made);
      return made;
    };
    const step = (symbol, text, key, what) => {
      const made = iconButton(symbol, key ? `${text} (${key})` : text, what);
      made.setAttribute("aria-label", text);
      return made;
    };
    const longest = Math.max(this.#size.width, this.#size.height);
    this.#width = make("input", { type: "range", min: 1, max: Math.round(longest / 2), value: Math.round(longest / 12) });
    this.#width.setAttribute("aria-label", "Size of the brush");
    this.#width.title = "Size of the brush ([ and ])";
    this.#width.addEventListener("input", () => this.#moved({ byPointer: true }));
    this.#undo = step("undo", "Undo", "Ctrl+Z", () => this.#step("undo", "Undone"));
    this.#redo = step("redo", "Redo", "Ctrl+Y", () => this.#step("redo", "Done again"));
    return make(
      "div",
      { className: "viewer-bar mask-bar" },
      tool("brush", "brush", "Brush", "B"),
      tool("eraser", "eraser", "Eraser", "E"),
      tool("move", "move", "Move the picture", "M"),
      this.#width,
      this.#undo,
      this.#redo,
      step("invert", "Invert", "I", () => this.#step("invert", "Inverted")),
      step("bin", "Clear", "", () => this.#step("clear", "Cleared")),
      step("minus", "Smaller", "−", () => this.#zoom.by(-2)),
      step("next", "Larger", "+", () => this.#zoom.by(2)),
    );
  }

  #choose(tool) {
    this.#tool = tool;
    for (const [name, each] of this.#tools) each.setAttribute("aria-pressed", String(name === tool));
    this.#frame.classList.toggle("moves", tool === "move");
    this.#ring.hidden = tool === "move";
  }

  #begin(point) {
    const brush = { size: Number(this.#width.value), erases: this.#tool === "eraser" };
    this.#strokes.begin(brush, point);
    this.#strokes.draw(this.#context, this.#strokes.last);
    this.#settle();
  }

  #step(what, said) {
    this.#strokes[what]();
    this.#redraw();
    announce(said);
  }

  #redraw() {
    this.#strokes.drawAll(this.#context);
    this.#settle();
  }

  #settle() {
    this.#undo.disabled = !this.#strokes.canUndo;
    this.#redo.disabled = !this.#strokes.canRedo;
    this.#changed ||= this.#strokes.canUndo;
  }

  #moved({ byPointer }) {
    const hand = this.#hand;
    const { style } = this.#ring;
    style.left = `${hand.x}px`;
    style.top = `${hand.y}px`;
    style.width = style.height = `${this.#width.value}px`;
    if (byPointer) return;
    this.#zoom.reveal(hand);
    const share = (at, whole) => Math.round((100 * at) / whole);
    const { width, height } = this.#size;
    announce(`${share(hand.x, width)} % from the left, ${share(hand.y, height)} % from the top`);
  }

  #resize(factor) {
    const size = Number(this.#width.value);
    const wanted = Math.round(size * factor);
    this.#width.value = wanted === size ? size + Math.sign(factor - 1) : wanted;
    this.#moved({ byPointer: true });
    announce(`Brush of ${this.#width.value} pixels`);
  }

  #key(event) {
    if (event.altKey) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const what = command
      ? {
          z: () => (event.shiftKey ? this.#redo : this.#undo).click(),
          y: () => this.#redo.click(),
        }[key]
      : {
          b: () => this.#choose("brush"),
          e: () => this.#choose("eraser"),
          m: () => this.#choose("move"),
          i: () => this.#step("invert", "Inverted"),
          "[": () => this.#resize(1 / 1.2),
          "]": () => this.#resize(1.2),
          "+": () => this.#zoom.by(2),
          "=": () => this.#zoom.by(2),
          "-": () => this.#zoom.by(-2),
          0: () => this.#zoom.fit(),
        }[key];
    if (!what || this.#hand.isDown) return;
    event.preventDefault();
    what();
  }
}
