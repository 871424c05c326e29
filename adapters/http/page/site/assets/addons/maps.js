// The pictures of ControlNets: sent to the service once, and shown with the maps that it makes from them.

import { announce } from "../core/dom.js";
import { bytes } from "../core/format.js";
import { insist } from "../core/submit.js";
import { typeOf } from "../pictures/types.js";

const PAUSE = 250; // milliseconds that a threshold has to rest before a map is asked for
const MOST_KEPT = 32; // pictures and maps

/** The field of a control in words: `preprocessor.low` is the lower threshold. */
export function wordsOf(field) {
  if (field.startsWith("image")) return "The picture";
  const own = field.slice(field.lastIndexOf(".") + 1);
  return `${own[0].toUpperCase()}${own.slice(1).replaceAll("_", " ")}`;
}

export class ControlPictures {
  #api;
  #most;
  #sending = new Map(); // by entry: { file, abort }
  #addresses = new Map(); // object URLs by picture, or picture and preprocessor
  #asked = new WeakMap(); // by <img>: what it is to show
  #work = Promise.resolve(true);

  /** `api` returns the API of whoever is signed in; `most` are the bytes that a file may have. */
  constructor(api, most) {
    this.#api = api;
    this.#most = most;
  }

  /** Resolves when nothing is on its way; to false when the service did not take a picture. */
  get sent() {
    return this.#work;
  }

  isSending(entry) {
    return this.#sending.has(entry);
  }

  /** Forget every picture, and stop what is on its way. */
  forget() {
    for (const { abort } of this.#sending.values()) abort.abort();
    this.#sending.clear();
    for (const address of this.#addresses.values()) URL.revokeObjectURL(address);
    this.#addresses.clear();
    this.#work = Promise.resolve(true);
  }

  /** Send this file as the picture of `entry`. Return what is wrong with it; null if it is taken. */
  take(entry, file) {
    this.#sending.get(entry)?.abort.abort();
    delete entry.image;
    if (file.size > this.#most) {
      const text = `${file.name || "The picture"} has ${bytes(file.size)}; a picture may have ${bytes(this.#most)}.`;
      return Promise.resolve(text);
    }
    const abort = new AbortController();
    this.#sending.set(entry, { file, abort });
    const sent = this.#send(entry, file, abort.signal);
    const work = Promise.all([this.#work, sent]).then(([before, problem]) => before && problem === null);
    this.#work = work;
    // A drawing that waits now is stopped by a refusal; a later one is not.
    work.then((taken) => {
      if (!taken && this.#work === work) this.#work = Promise.resolve(true);
    });
    return sent;
  }

  async #send(entry, file, signal) {
    try {
      const type = await typeOf(file);
      const api = this.#api();
      const { id } = await insist(() => api.sendPicture(file, type, signal), { onWait: () => {}, signal });
      entry.image = { id };
      this.#keep(id, file);
      announce("The picture is there");
      return null;
    } catch (error) {
      if (signal.aborted) return null;
      const [row] = error.fields ?? [];
      return row ? `The picture ${row.message}.` : error.message;
    } finally {
      if (this.#sending.get(entry)?.file === file) this.#sending.delete(entry);
    }
  }

  /** Show the picture of `entry` and its map in these figures. `say` gets what is wrong. */
  async show(entry, { picture, map, say, wait }) {
    if (this.isSending(entry)) {
      wait("Sending …");
      return;
    }
    wait("");
    const id = entry.image?.id;
    if (!id) return;
    const load = (key, get, figure) => this.#load(key, get, figure.firstElementChild, say);
    const shown = [load(id, (api) => api.pictureOf(id), picture)];
    const { preprocessor } = entry;
    if (preprocessor) {
      const body = { image: { id }, preprocessor };
      const key = JSON.stringify(body);
      shown.push(load(key, (api) => api.mapOf(body), map));
    }
    await Promise.all(shown);
  }

  async #load(key, get, image, say) {
    this.#asked.set(image, key);
    const current = () => this.#asked.get(image) === key;
    try {
      if (!this.#addresses.has(key)) {
        // A slider that moves asks for one map alone.
        if (image.src) await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (!current()) return;
        const api = this.#api();
        if (api === null) return;
        this.#keep(key, await get(api));
      }
      if (!current()) return;
      image.src = this.#addresses.get(key);
      say("");
    } catch (error) {
      if (!current() || error.name === "AbortError") return;
      const [row] = error.fields ?? [];
      say(row ? `${wordsOf(row.field)} ${row.message}.` : error.message);
    }
  }

  #keep(key, blob) {
    if (this.#addresses.has(key)) return;
    this.#addresses.set(key, URL.createObjectURL(blob));
    const [oldest] = this.#addresses.keys();
    if (this.#addresses.size <= MOST_KEPT) return;
    URL.revokeObjectURL(this.#addresses.get(oldest));
    this.#addresses.delete(oldest);
  }
}
