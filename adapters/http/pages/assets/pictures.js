// Finished pictures. An <img> can send no credential, so the bytes are fetched and shown from
// memory by a blob: address, which is given back when it is no longer needed.

import { make } from "./dom.js";

/** Let an <img> show the picture at `url`; the blob's address, which is to be given back. */
export async function loadInto(image, api, url, signal) {
  const address = URL.createObjectURL(await api.picture(url, signal));
  image.src = address;
  return address;
}

/** Loads pictures into tiles when these come near the screen. */
export class Thumbnails {
  #api = null;
  #waiting = new Map();
  #observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "300px" });

  /** Load with the credential of `api` from now on, and nothing that was asked for before. */
  use(api) {
    this.#api = api;
    this.#observer.disconnect();
    this.#waiting.clear();
  }

  /** An image for the picture at `url`. */
  image(url, alt) {
    const image = make("img", { alt, decoding: "async" });
    this.#waiting.set(image, url);
    this.#observer.observe(image);
    return image;
  }

  /** Forget an image that will not be shown. */
  drop(image) {
    this.#observer.unobserve(image);
    this.#waiting.delete(image);
  }

  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && this.#waiting.has(target)) this.#load(target);
    }
  }

  async #load(image) {
    const url = this.#waiting.get(image);
    this.drop(image);
    try {
      const address = await loadInto(image, this.#api, url);
      // What it shows is its own by then.
      await image.decode().catch(() => {});
      URL.revokeObjectURL(address);
      image.classList.add("loaded");
    } catch (error) {
      image.alt = error.message;
      image.classList.add("missing");
    }
  }
}
