// What the browser keeps: in this tab until it is closed, or on this device. A browser may forbid
// both, or have no room; then nothing is kept, and everything else works.

class Kept {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  /** The value that was kept under this name; null when there is none. */
  read(name) {
    try {
      return JSON.parse(globalThis[this.#storage].getItem(full(name)));
    } catch {
      return null;
    }
  }

  write(name, value) {
    this.writeText(name, JSON.stringify(value));
  }

  readText(name) {
    try {
      return globalThis[this.#storage].getItem(full(name));
    } catch {
      return null;
    }
  }

  writeText(name, text) {
    try {
      globalThis[this.#storage].setItem(full(name), text);
    } catch {
      // See above.
    }
  }

  remove(name) {
    try {
      globalThis[this.#storage].removeItem(full(name));
    } catch {
      // See above.
    }
  }
}

export const tab = new Kept("sessionStorage");
export const device = new Kept("localStorage");

const full = (name) => `ai-inference.${name}`;
