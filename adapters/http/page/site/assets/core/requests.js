// Requests that are made of earlier ones.

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
