// Paints a mask with a mouse, a pen, a finger, or keys.

const FINE = 8; // an arrow with Shift moves the brush by this part of a step

/** Where the brush is, in pixels of the picture, and whether it paints. */
export class Hand {
  x;
  y;
  #frame;
  #paper;
  #size;
  #actions;
  #pointers = new Set();
  #stroke = null; // the id of the pointer that paints, or "keys"

  /**
   * Points are those of `paper`, which is shown in `frame` at any scale.
   *
   * @param {object} actions `begin(point)`, `extend(point)`, `drop()` for a stroke that became a pinch,
   *   `end()`, `moved()`, `step()` for how far an arrow moves, and `paints()`, which is false while the
   *   picture is moved
   */
  constructor(frame, paper, size, actions) {
    [this.#frame, this.#paper, this.#size, this.#actions] = [frame, paper, size, actions];
    [this.x, this.y] = [size.width / 2, size.height / 2];
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, (event) => this.#up(event));
    }
    frame.addEventListener("keydown", (event) => this.#keyDown(event));
    frame.addEventListener("keyup", ({ key }) => {
      if (key === " ") this.#lift();
    });
    frame.addEventListener("blur", () => this.#lift());
  }

  /** Whether a stroke is being painted. */
  get isDown() {
    return this.#stroke !== null;
  }

  #down(event) {
    this.#pointers.add(event.pointerId);
    if (event.button !== 0) return;
    if (this.#pointers.size > 1) {
      // Two fingers enlarge and move. The first finger was not meant to paint.
      if (this.isDown) this.#actions.drop();
      this.#stroke = null;
      return;
    }
    if (!this.#actions.paints()) return;
    this.#lift();
    this.#stroke = event.pointerId;
    this.#to(event);
    this.#actions.begin(this.#point);
  }

  #move(event) {
    if (this.#stroke === event.pointerId) {
      // A browser joins the moves since the last frame into one event.
      const joined = event.getCoalescedEvents?.() ?? [];
      for (const each of joined.length ? joined : [event]) {
        this.#to(each);
        this.#actions.extend(this.#point);
      }
    } else if (this.#pointers.size === 0) this.#to(event);
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#stroke === event.pointerId) this.#lift();
  }

  #keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (x !== undefined) {
      event.preventDefault();
      const step = Math.max(1, this.#actions.step() / (event.shiftKey ? FINE : 1));
      this.#place({ x: this.x + x * step, y: this.y + y * step });
      if (this.#stroke === "keys") this.#actions.extend(this.#point);
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (event.repeat || !this.#actions.paints()) return;
      // Space paints while it is held; Enter puts the brush down, and lifts it.
      if (this.#stroke === "keys") return this.#lift();
      this.#stroke = "keys";
      this.#actions.begin(this.#point);
    }
  }

  #lift() {
    if (!this.isDown) return;
    this.#stroke = null;
    this.#actions.end();
  }

  get #point() {
    return { x: this.x, y: this.y };
  }

  /** The point of the picture under a pointer, at any zoom of the picture or of the page. */
  #to({ clientX, clientY }) {
    const { left, top, width, height } = this.#paper.getBoundingClientRect();
    this.#place(
      {
        x: ((clientX - left) / width) * this.#size.width,
        y: ((clientY - top) / height) * this.#size.height,
      },
      { byPointer: true },
    );
  }

  #place({ x, y }, { byPointer = false } = {}) {
    const within = (value, most) => (byPointer ? value : Math.max(0, Math.min(most, value)));
    [this.x, this.y] = [within(x, this.#size.width), within(y, this.#size.height)];
    this.#actions.moved({ byPointer });
  }
}
