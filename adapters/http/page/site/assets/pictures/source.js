// The picture that a drawing starts from, and its mask: sent to the service once, shown as a card.

import { Problem } from "../core/api.js";
import { announce, byId, say } from "../core/dom.js";
import { bytes } from "../core/format.js";
import { insist } from "../core/submit.js";
import { Card } from "./card.js";
import { fieldsOf, settingsIn, unknownIn } from "./settings.js";
import { typeOf } from "./types.js";

export class Source {
  #api;
  #handlers;
  #card;
  #current = null; // what is shown: { name, id, blob, width, height, mask }
  #shown = new AbortController(); // aborts when another picture is shown
  /** Resolves when nothing is on its way; to false when the service did not take something. */
  sent = Promise.resolve(true);

  /** `handlers` are those of the StartField, but `onChange` gets the ids `picture` and `mask`. */
  constructor(api, handlers) {
    this.#api = api;
    this.#handlers = handlers;
    this.#card = new Card(byId("source-card"), {
      remove: () => {
        this.remove();
        this.#tell();
        handlers.onSize(null);
        byId("choose-picture").focus();
      },
      paint: () => this.#paint(),
      unmask: () => this.#setMask(null),
      use: (told, { alone }) => {
        const fields = fieldsOf(told, handlers.models);
        if (alone) {
          this.remove();
          handlers.onSize(null);
        }
        this.#tell();
        handlers.onSettings(fields);
        const unknown = unknownIn(told, fields, handlers.models);
        announce(`The form has the settings of the picture. ${unknown}`);
        return unknown;
      },
    });
  }

  use(api) {
    this.#api = api;
    if (api !== null) return;
    // Forget what the service does not have yet. The rest is shown again later.
    this.#shown.abort();
    if (!this.#current?.id) {
      this.remove();
      this.#handlers.onSize(null);
    } else if (!this.#current.mask?.id) this.#current.mask = null;
    this.#tell();
  }

  /** Whether there is a picture. */
  get shown() {
    return this.#current !== null;
  }

  /** Whether a mask can be painted. */
  allow({ mask }) {
    this.#card.allow({ mask });
  }

  /** Start from this file: show it, send it, and offer the settings that it carries. */
  take(file) {
    // The service refuses such a file before it has read all of it. A browser may report that as a lost
    // connection.
    const most = Number(byId("picture-file").dataset.mostBytes);
    if (file.size > most) {
      this.remove();
      this.#handlers.onSize(null);
      this.#tell();
      const text = `${file.name || "The picture"} has ${bytes(file.size)}; a picture may have ${bytes(most)}.`;
      return this.#complain("init_image", new Error(text));
    }
    const signal = this.#begin({ name: file.name || "Pasted picture", blob: file });
    this.#sending(this.#send(file, "init_image", signal).then((sent) => this.#accept(sent, signal)));
    this.#measure(signal).then((size) => size && this.#handlers.onSize(size));
    settingsIn(file, this.#api, signal).then(
      (settings) => settings && !signal.aborted && this.#card.offer(settings),
      () => {}, // The picture can be used without its settings.
    );
    this.#tell();
  }

  /** Start from a picture that the service has, and from this mask. */
  takeKnown(image, name, { maskId = "", follow = true } = {}) {
    const signal = this.#begin({ ...image, name, mask: maskId ? { id: maskId } : null });
    const known = image.width && image.height;
    if (known) this.#handlers.onSize(image, { take: follow });
    this.#tell();
    this.#fetch(image.id, "init_image", signal)
      .then(async (blob) => {
        if (!blob || signal.aborted) return;
        this.#current.blob = blob;
        const size = await this.#measure(signal);
        if (size && !known) this.#handlers.onSize(size, { take: follow });
        if (maskId) await this.#showKnownMask(maskId, signal);
      });
  }

  /** Show nothing, and stop what is on its way. */
  remove() {
    this.#shown.abort();
    this.#current = null;
    this.#card.hide();
    this.sent = Promise.resolve(true);
  }

  #begin(picture) {
    this.remove();
    this.#shown = new AbortController();
    this.#current = { mask: null, ...picture };
    this.#card.show(this.#current);
    return this.#shown.signal;
  }

  #tell() {
    const { id = "", mask = null } = this.#current ?? {};
    this.#handlers.onChange({ picture: id, mask: mask?.id ?? "" });
  }

  /** Make `sent` wait for this too. */
  #sending(work) {
    const all = Promise.all([this.sent, work]).then((done) => done.every(Boolean));
    this.sent = all;
    // A drawing that waits now is stopped by a refusal; a later one goes on without what was refused.
    all.then((taken) => {
      if (!taken && this.sent === all) this.sent = Promise.resolve(true);
    });
  }

  /** The picture's size in the browser; null if the browser cannot show it. */
  async #measure(signal) {
    const size = await this.#card.measure(this.#current.blob);
    if (signal.aborted) return null;
    Object.assign(this.#current, size);
    this.#card.describe(this.#current);
    return size;
  }

  #accept(sent, signal) {
    if (signal.aborted) return true;
    if (!sent) {
      this.remove();
      this.#handlers.onSize(null);
    } else {
      Object.assign(this.#current, { id: sent.id, width: sent.width, height: sent.height });
      this.#card.describe(this.#current);
      announce("The picture is there");
    }
    this.#tell();
    return Boolean(sent);
  }

  /** Send a file. Return the answer, or null if it was refused; `field` then shows the reason. */
  async #send(file, field, signal) {
    this.#card.wait("Sending …");
    try {
      const type = await typeOf(file);
      const attempt = () => this.#api.sendPicture(file, type, signal);
      const onWait = (reason, seconds) => this.#card.wait(`${reason} Trying again in ${seconds} s`);
      return await insist(attempt, { onWait, signal });
    } catch (error) {
      if (!signal.aborted) this.#complain(field, error);
      return null;
    } finally {
      if (!signal.aborted) this.#card.wait("");
    }
  }

  async #fetch(id, field, signal) {
    try {
      return await this.#api.pictureOf(id, signal);
    } catch (error) {
      if (signal.aborted) return null;
      if (error instanceof Problem && error.status === 404) {
        // The service would refuse the drawing for it.
        if (field === "init_image") {
          this.remove();
          this.#handlers.onSize(null);
        } else {
          this.#current.mask = null;
        }
        this.#tell();
      }
      this.#complain(field, error);
      return null;
    }
  }

  #complain(field, error) {
    const [row] = error.fields ?? [];
    const text = row ? `${byId(field).dataset.label} ${row.message}.` : error.message;
    say(byId(`${field}-error`), text);
    announce(text);
  }

  async #showKnownMask(id, signal) {
    const blob = await this.#fetch(id, "mask_image", signal);
    if (signal.aborted) return;
    if (!blob) return this.#card.mask(null);
    this.#current.mask = { id, blob };
    this.#card.mask(blob);
  }

  async #paint() {
    const { signal } = this.#shown;
    const { MaskEditor } = await import("./mask/editor.js");
    const { width, height, blob, mask } = this.#current;
    const painted = await MaskEditor.paint({ picture: blob, mask: mask?.blob ?? null, width, height });
    if (!signal.aborted && painted !== undefined) this.#setMask(painted);
  }

  /** Use this mask, a PNG; null for none. */
  #setMask(blob) {
    const { signal } = this.#shown;
    say(byId("mask_image-error"), "");
    this.#current.mask = blob && { blob };
    this.#card.mask(blob);
    this.#tell();
    if (!blob) return;
    this.#sending(
      this.#send(blob, "mask_image", signal).then((sent) => {
        if (signal.aborted || this.#current.mask?.blob !== blob) return true;
        this.#current.mask = sent && { blob, id: sent.id };
        if (!sent) this.#card.mask(null);
        this.#tell();
        return Boolean(sent);
      }),
    );
  }
}
