// Pictures of finished jobs. An <img> can send no credential, so the bytes are fetched and shown from
// memory by a blob: address, which is given back when it is no longer needed.

import { Unreachable } from "../core/api.js";
import { make } from "../core/dom.js";

const AT_ONCE = 4; // of the six connections that a browser has to a service; events need one
const LATER = 5_000; // until one that did not come is asked for again
const NEAR = "600px";

/** Let an <img> show the picture at `url`; the blob's address, which is to be given back. */
export async function loadInto(image, api, url, signal) {
  const address = URL.createObjectURL(await api.picture(url, signal));
  image.src = address;
  return address;
}

/** Whether a picture that did not come may come later. */
export const mayPass = (error) => error instanceof Unreachable || error.status >= 500;

/** Loads thumbnails into tiles that are near the screen, in the order in which they came there. */
export class Thumbnails {
  #api = null;
  #images = new Map(); // by tile: its image that is not loaded, and where from
  #wanted = []; // tiles near the screen
  #loading = 0;
  #observer = new IntersectionObserver((entries) => this.#seen(entries), {
    rootMargin: NEAR,
    scrollMargin: NEAR,
  });

  /** Load with the credential of `api` from now on, and nothing that was asked for before. */
  use(api) {
    this.#api = api;
    this.#observer.disconnect();
    this.#images.clear();
    this.#wanted = [];
  }

  /** An image for the thumbnail at `url`, which is loaded once `tile` is near the screen. */
  image(tile, url) {
    const image = make("img", { alt: "", decoding: "async" });
    this.#await(tile, image, url);
    return image;
  }

  /** Forget a tile that will not be shown. */
  drop(tile) {
    this.#observer.unobserve(tile);
    this.#images.delete(tile);
  }

  #await(tile, image, url) {
    this.#images.set(tile, { image, url });
    this.#observer.observe(tile);
  }

  #again(tile, image, url) {
    // Else the tile shows something else by now, or is gone.
    if (image.isConnected) this.#await(tile, image, url);
  }

  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      const place = this.#wanted.indexOf(target);
      if (place >= 0) this.#wanted.splice(place, 1);
      if (isIntersecting && this.#images.has(target)) this.#wanted.push(target);
    }
    while (this.#loading < AT_ONCE && this.#wanted.length) this.#load(this.#wanted.shift());
  }

  async #load(tile) {
    const { image, url } = this.#images.get(tile) ?? {};
    this.drop(tile);
    if (!image) return;
    const api = this.#api;
    this.#loading += 1;
    try {
      const address = await loadInto(image, api, url);
      // What it shows is its own by then.
      await image.decode().catch(() => {});
      URL.revokeObjectURL(address);
      image.classList.add("loaded");
    } catch (error) {
      if (mayPass(error)) setTimeout(() => this.#again(tile, image, url), LATER);
      else {
        image.alt = error.message;
        image.classList.add("missing");
      }
    } finally {
      this.#loading -= 1;
      this.#seen([]);
    }
  }
}
