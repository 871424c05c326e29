// Asks how to enlarge a finished picture.

import { button, make, say } from "../core/dom.js";
import { upscalerOption } from "../form/larger.js";

const LANCZOS = "lanczos";
const DEFAULT_SCALE = 2; // of Lanczos

/**
 * Ask how to enlarge a picture of this size, and call `send` with the answer.
 *
 * `send(fields)` resolves to a problem, or null once the service has accepted.
 */
export function askUpscale({ width, height, upscalers, send }) {
  const upscaler = make("select", { id: "upscale-with" }, ...upscalers.map(upscalerOption));
  upscaler.append(make("option", { value: LANCZOS, textContent: "Lanczos: no model, smooth" }));
  const scale = make("input", { type: "number", id: "upscale-by", min: 1, max: 8, step: "any", inputMode: "decimal" });
  const result = make("p", { className: "hint" });
  const problem = make("p", { className: "field-error", hidden: true });
  problem.setAttribute("role", "alert");
  const dialog = make("dialog", { className: "confirm panel", id: "upscale-dialog" });
  const chosen = () => upscalers.find(({ id }) => id === upscaler.value);
  const show = () => {
    const own = chosen()?.scale ?? null;
    const none = chosen() ? "the model's own" : String(DEFAULT_SCALE);
    scale.placeholder = own ? `${own}, the model's own` : none;
    const factor = Number(scale.value) || own || (chosen() ? null : DEFAULT_SCALE);
    result.textContent = factor
      ? `${width} × ${height} becomes ${Math.round(width * factor)} × ${Math.round(height * factor)} pixels.`
      : `The picture has ${width} × ${height} pixels.`;
  };
  for (const control of [upscaler, scale]) control.addEventListener("input", show);
  const start = make("button", { type: "submit", className: "primary", textContent: "Upscale" });
  const form = make(
    "form",
    { className: "upscale-form", noValidate: true },
    make("h2", { textContent: "Upscale this picture", id: "upscale-title" }),
    field("Upscaler", upscaler),
    field("Factor", scale),
    result,
    problem,
    make("div", { className: "row" }, button("close", "Cancel", () => dialog.close()), start),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (scale.validity.badInput) return say(problem, "Factor must be a number");
    say(problem, "");
    start.disabled = true;
    const factor = scale.value === "" ? null : Number(scale.value);
    const fields = { model_id: upscaler.value, scale: factor ?? (chosen() ? null : DEFAULT_SCALE) };
    if (fields.scale === null) delete fields.scale;
    const wrong = await send(fields);
    start.disabled = false;
    if (wrong === null) dialog.close();
    else say(problem, wrong);
  });
  dialog.setAttribute("aria-labelledby", "upscale-title");
  dialog.append(form);
  const focused = document.activeElement;
  document.body.append(dialog);
  show();
  dialog.showModal();
  upscaler.focus();
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (focused?.isConnected) focused.focus();
  });
}

const field = (text, control) =>
  make("div", { className: "field" }, make("label", { htmlFor: control.id, textContent: text }), control);
