// The steps and the guidance that suit a model.

import { byId } from "../core/dom.js";
import { write } from "./values.js";

const NAMES = ["num_inference_steps", "guidance_scale"];

export class DefaultFields {
  #taken = new Map(); // what the fields have of the model, as their text

  /** Show the defaults of a model. A field of a model without its own gets that of the service back. */
  take(model) {
    for (const name of NAMES) {
      const control = byId(name);
      const own = model?.defaults?.[name] ?? null;
      const isOfAnother = this.#taken.get(name) === control.value;
      this.#taken.delete(name);
      if (own === null && !isOfAnother) continue;
      write(control, own);
      if (own !== null) this.#taken.set(name, control.value);
    }
  }

  /** Note which fields of a draft have the defaults of its model. */
  note(model) {
    for (const name of NAMES) {
      const { value } = byId(name);
      if (String(model?.defaults?.[name]) === value) this.#taken.set(name, value);
    }
  }
}
