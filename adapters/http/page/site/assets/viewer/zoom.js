// A picture that is enlarged and moved in its frame: by wheel, by fingers, by keys.

const MOST = 16; // screen pixels for one of the picture
const STEP = 1.25;
const SWIPE = 60; // CSS pixels
const MARGIN = 40; // CSS pixels round a point that is brought into the frame

export class Zoom {
  #frame;
  #image;
  #onScale;
  #onSwipe;
  #scale = 1; // CSS pixels for a pixel of the picture
  #x = 0; // of the picture's centre from the frame's
  #y = 0;
  #fitted = true; // it follows the window until somebody zooms
  #pointers = new Map();
  #travelled = 0;
  #size;
  #moves;

  /**
   * @param {object} options
   * @param {(scale: number) => void} options.onScale called with the scale, 1 for one screen pixel each
   * @param {(step: -1 | 1) => void} options.onSwipe
   * @param {() => {width: number, height: number}} options.size of what is shown, in its own pixels
   * @param {() => boolean} options.moves whether one pointer moves it
   */
  constructor(frame, image, { onScale, onSwipe = () => {}, size, moves = () => true }) {
    this.#frame = frame;
    this.#image = image;
    this.#onScale = onScale;
    this.#onSwipe = onSwipe;
    this.#size = size ?? (() => ({ width: image.naturalWidth, height: image.naturalHeight }));
    this.#moves = moves;
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      frame.addEventListener(end, (event) => this.#up(event));
    }
    frame.addEventListener("dblclick", (event) => {
      if (this.#fitted) this.actual(this.#at(event));
      else this.fit();
    });
    image.addEventListener("load", () => this.fit());
    new ResizeObserver(() => (this.#fitted ? this.fit() : this.#show())).observe(frame);
  }

  /** Whether the whole picture is in its frame. */
  get fits() {
    return this.#scale <= this.#fit * 1.001;
  }

  /** As large as the frame allows. */
  fit() {
    this.#fitted = true;
    [this.#scale, this.#x, this.#y] = [this.#fit, 0, 0];
    this.#show();
  }

  /** One screen pixel for one of the picture. */
  actual(point) {
    this.#to(1 / devicePixelRatio, point);
  }

  /** Enlarge by so many steps; fewer than none make it smaller. */
  by(steps, point) {
    this.#to(this.#scale * STEP ** steps, point);
  }

  /** Move so that a point, in pixels of what is shown, is in the frame. */
  reveal({ x, y }) {
    const { width, height } = this.#size();
    const moved = (offset, at, side, frame) => {
      const place = (at - side / 2) * this.#scale + offset;
      const most = Math.max(0, frame / 2 - MARGIN);
      return offset + Math.max(-most, Math.min(most, place)) - place;
    };
    this.#x = moved(this.#x, x, width, this.#frame.clientWidth);
    this.#y = moved(this.#y, y, height, this.#frame.clientHeight);
    this.#show();
  }

  get #fit() {
    const { width, height } = this.#size();
    if (!width) return 1;
    return Math.min(this.#frame.clientWidth / width, this.#frame.clientHeight / height);
  }

  /** Scale so that what is at `point` stays there. */
  #to(scale, { x, y } = { x: 0, y: 0 }) {
    const least = Math.min(this.#fit, 1 / devicePixelRatio);
    const wanted = Math.max(least, Math.min(MOST / devicePixelRatio, scale));
    const factor = wanted / this.#scale;
    this.#fitted = false;
    this.#scale = wanted;
    this.#x = x - (x - this.#x) * factor;
    this.#y = y - (y - this.#y) * factor;
    this.#show();
  }

  #show() {
    const { width, height } = this.#size();
    const room = (size, frame) => Math.max(0, (size * this.#scale - frame) / 2);
    const within = (value, most) => Math.max(-most, Math.min(most, value));
    this.#x = within(this.#x, room(width, this.#frame.clientWidth));
    this.#y = within(this.#y, room(height, this.#frame.clientHeight));
    this.#image.style.transform =
      `translate(-50%, -50%) translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    const shown = this.#scale * devicePixelRatio;
    this.#image.classList.toggle("pixels", shown >= 3);
    this.#frame.classList.toggle("movable", !this.fits);
    this.#onScale(shown);
  }

  /** Where an event is, from the middle of the frame. */
  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    // A touchpad's pinch comes as small steps with Ctrl.
    const speed = event.ctrlKey ? 30 : 100;
    this.by((-event.deltaY * lines) / speed, this.#at(event));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#frame.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#at(event));
    this.#travelled = 0;
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#at(event);
    const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId);
    this.#pointers.set(event.pointerId, now);
    if (other) {
      const [, fixed] = other;
      const distance = (point) => Math.hypot(point.x - fixed.x, point.y - fixed.y);
      const middle = { x: (now.x + fixed.x) / 2, y: (now.y + fixed.y) / 2 };
      this.#to(this.#scale * (distance(now) / Math.max(distance(before), 1)), middle);
      this.#travelled = 0;
    } else if (!this.#moves()) {
      return;
    } else if (this.fits) {
      this.#travelled += now.x - before.x;
    } else {
      this.#x += now.x - before.x;
      this.#y += now.y - before.y;
      this.#show();
    }
  }

  #up(event) {
    const one = this.#pointers.delete(event.pointerId) && this.#pointers.size === 0;
    if (one && event.pointerType === "touch" && Math.abs(this.#travelled) > SWIPE) {
      this.#onSwipe(this.#travelled > 0 ? -1 : 1);
    }
  }
}
