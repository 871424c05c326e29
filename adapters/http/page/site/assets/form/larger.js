// The second pass, and the upscaling of the result.

import { byId, make, say } from "../core/dom.js";

export class LargerFields {
  #second = byId("second_pass");
  #upscale = byId("upscale");
  #hasUpscalers = false;
  #redraws = true; // whether the model can draw from a picture

  constructor() {
    for (const select of lists()) {
      select.addEventListener("change", () => delete select.dataset.wanted);
    }
  }

  /** The errors of upscalers that earlier settings named and that are not there. */
  get missing() {
    return lists()
      .filter((select) => select.dataset.wanted && !select.matches(":disabled"))
      .map(({ name }) => ({ field: name, message: "of that picture is not there any more" }));
  }

  /** Enable what this model and these upscalers can do. */
  offer(model, upscalers) {
    this.#redraws = !model || model.inputs.includes("image");
    this.#hasUpscalers = upscalers.length > 0;
    for (const select of lists()) fill(select, upscalers);
    say(
      byId("second-pass-reason"),
      this.#redraws ? "" : `${model.name} draws from text alone, so it has no second pass.`,
    );
    say(
      byId("upscale-reason"),
      this.#hasUpscalers ? "" : "There is no upscaler model. Put one (of the ESRGAN family) into a model folder.",
    );
    this.settle();
  }

  /** Show the fields of what is switched on. */
  settle() {
    const second = this.#settle(this.#second, "second-pass-fields", this.#redraws);
    const upscale = this.#settle(this.#upscale, "upscale-fields", this.#hasUpscalers);
    const scale = Number(byId("second_pass.scale").value);
    const [width, height] = [byId("width"), byId("height")].map(({ value }) =>
      Math.round(Number(value) * scale),
    );
    byId("second-pass-size").textContent = `Draws ${width} × ${height} pixels`;
    const upscaler = byId("upscale.model_id").selectedOptions[0]?.textContent;
    byId("larger-now").textContent =
      [second && `second pass × ${scale}`, upscale && upscaler].filter(Boolean).join(" · ") ||
      "second pass, upscaler";
  }

  #settle(box, fields, possible) {
    const on = box.checked && possible;
    box.disabled = !possible;
    byId(fields).disabled = !on;
    byId(fields).hidden = !on;
    return on;
  }
}

const lists = () => [...document.querySelectorAll("[data-upscalers]")];

/** Offer the upscaler models; what was chosen stays. */
function fill(select, upscalers) {
  const wanted = select.dataset.wanted || select.value;
  for (const option of select.querySelectorAll("[data-model]")) option.remove();
  select.append(...upscalers.map(upscalerOption));
  select.value = wanted;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
  if (select.value === wanted) delete select.dataset.wanted;
}

/** The option for an upscaler, with the factor by which it enlarges. */
export const upscalerOption = ({ id, name, scale }) =>
  make("option", { value: id, textContent: scale ? `${name} (× ${scale})` : name, data: { model: "" } });
