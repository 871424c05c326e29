// What a request asked for besides text: the picture it started from, and how the result was enlarged.

const FITS = { stretch: "stretched", crop: "cropped", pad: "padded" };

/** Rows of names and values; `modelName` names a model by its id. */
export function partRows(request, modelName) {
  const { init_image: start, mask_image: mask, second_pass: second, upscale } = request;
  const upscaler = (name) => ({ latent: "latents", lanczos: "Lanczos" })[name] ?? modelName(name);
  const rows = [];
  if (start) {
    rows.push(["Strength", request.strength]);
    rows.push(["Picture guidance", request.image_guidance_scale]);
    rows.push(["Picture", FITS[request.resize_mode]]);
  }
  if (start && mask) {
    const around = request.inpaint_area === "masked" ? `, only round it with ${request.inpaint_padding} pixels` : "";
    rows.push(["Mask", `blur ${request.mask_blur}, ${request.mask_content}${around}`]);
  }
  if (second) {
    const steps = second.num_inference_steps ? `, ${second.num_inference_steps} steps` : "";
    const how = `× ${second.scale}, strength ${second.strength}${steps}, ${upscaler(second.upscaler)}`;
    rows.push(["Second pass", how]);
  }
  if (upscale) rows.push(["Upscaled", `${modelName(upscale.model_id)}${factor(upscale.scale)}`]);
  if ("image" in request) rows.push(["Factor", request.scale && `× ${request.scale}`]);
  return rows;
}

const factor = (scale) => (scale ? `, × ${scale}` : "");
