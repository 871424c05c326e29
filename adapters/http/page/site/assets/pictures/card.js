// The card of the picture that a drawing starts from, with its buttons.

import { button, byId, iconButton, make, say } from "../core/dom.js";
import { bytes } from "../core/format.js";

export class Card {
  #root;
  #actions;
  #image = make("img", { alt: "" });
  #mask = make("img", { alt: "", className: "source-mask", hidden: true });
  #name = make("p", { className: "source-name" });
  #facts = make("p", { className: "hint" });
  #wait = make("p", { className: "hint", hidden: true });
  #paint;
  #unmask;
  #offer = make("div", { className: "notice source-settings", hidden: true });
  #addresses = new Map(); // by image
  #allowed = { mask: true };

  /** `actions` has `remove()`, `paint()`, `unmask()`, and `use(settings, {alone})`, which says what is missing. */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    this.#wait.setAttribute("role", "status");
    this.#paint = button("brush", "Paint a mask", () => actions.paint());
    this.#unmask = button("close", "No mask", () => {
      actions.unmask();
      this.#paint.focus();
    });
    this.#unmask.hidden = true;
    root.append(
      make("div", { className: "source-look" }, this.#image, this.#mask),
      make(
        "div",
        { className: "source-words" },
        this.#name,
        this.#facts,
        this.#wait,
      ),
      iconButton("close", "Remove the picture", actions.remove),
      make("div", { className: "row" }, this.#paint, this.#unmask),
      this.#offer,
    );
  }

  /** Show a picture, as far as it is known. */
  show(picture) {
    this.#root.hidden = false;
    byId("choose-picture").lastElementChild.textContent = "Choose another";
    this.#paint.disabled = true;
    this.describe(picture);
  }

  hide() {
    this.#root.hidden = true;
    byId("choose-picture").lastElementChild.textContent = "Choose a picture";
    this.#show(this.#image, null);
    this.mask(null);
    this.#offer.hidden = true;
    this.wait("");
  }

  describe({ name, width, height, blob }) {
    this.#name.textContent = name;
    this.#name.title = name;
    const size = width ? `${width} × ${height}` : "";
    this.#facts.textContent = [size, blob && bytes(blob.size)].filter(Boolean).join(" · ");
  }

  /** Show the picture in this file; its size in pixels, or null when the browser cannot show it. */
  async measure(blob) {
    const image = this.#image;
    const address = this.#show(image, blob);
    try {
      await image.decode();
    } catch {
      return null; // the service says why
    }
    if (this.#addresses.get(image) !== address) return null;
    this.#paint.disabled = false;
    this.allow(this.#allowed);
    return { width: image.naturalWidth, height: image.naturalHeight };
  }

  /** Whether the model can draw under a mask. */
  allow(allowed) {
    this.#allowed = allowed;
    this.#paint.disabled = !allowed.mask || !this.#image.naturalWidth;
    this.#paint.title = allowed.mask ? "" : "The chosen model takes no mask";
  }

  /** Show this mask over the picture; null for none. */
  mask(blob) {
    this.#show(this.#mask, blob);
    this.#mask.hidden = blob === null;
    this.#unmask.hidden = blob === null;
    this.#paint.lastElementChild.textContent = blob ? "Change the mask" : "Paint a mask";
  }

  /** Show what the picture waits for; nothing if `text` is empty. */
  wait(text) {
    say(this.#wait, text);
  }

  /** Offer the settings that the picture carries. */
  offer(settings) {
    const use = (alone) => () => {
      const unknown = this.#actions.use(settings, { alone });
      say(this.#offer, unknown);
    };
    const prompt = settings.Prompt || "no prompt";
    this.#offer.replaceChildren(
      make("p", { textContent: "This picture carries its settings:" }),
      make("p", { className: "source-prompt", textContent: prompt, title: prompt }),
      make(
        "div",
        { className: "row" },
        button("reuse", "Use the settings", use(false)),
        button("copy-text", "Use only the settings", use(true)),
      ),
    );
    this.#offer.hidden = false;
  }

  #show(image, blob) {
    const before = this.#addresses.get(image);
    if (before) URL.revokeObjectURL(before);
    this.#addresses.delete(image);
    image.removeAttribute("src");
    if (!blob) return null;
    const address = URL.createObjectURL(blob);
    this.#addresses.set(image, address);
    image.src = address;
    return address;
  }
}
