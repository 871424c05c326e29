// Facts of requests, and requests that are made of earlier ones.

/** Whether this is a request to upscale a picture. Such a request has no prompt. */
export const isUpscale = (request) => "image" in request;

/** The name of a job for people: its prompt. */
export const titleOf = ({ request }) => (isUpscale(request) ? "Upscaled picture" : request.prompt);

/** The id of the picture that a job began with; null when it began with text alone. */
export const beforeOf = ({ request }) => (request.image ?? request.init_image)?.id ?? null;

/** Width / height of the pictures of a request; 1 if only the service knows it. */
export const shapeOf = ({ width, height }) => (width && height ? width / height : 1);

/** The request of `job` anew: with this seed for its first picture, or null for a random one. */
export function varied(job, seed) {
  const request = Object.fromEntries(
    Object.entries(job.request).filter(([name, value]) => name !== "id" && value !== null),
  );
  return { ...request, seed: seed ?? randomSeed() };
}

/** 32 random bits, as the field's tools have them. */
function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
