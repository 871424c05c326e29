// The service's API, with the caller's credential.

/** What the service says went wrong: problem details, RFC 9457. */
export class Problem extends Error {
  constructor(body, status, retryAfter) {
    super(body.detail || body.title || `The service answered with status ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? null;
    this.title = body.title ?? "";
    this.fields = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** There was no answer: the service or the way to it is down. */
export class Unreachable extends Error {
  constructor(cause) {
    super("The service cannot be reached.", { cause });
    this.name = "Unreachable";
  }
}

export class Api {
  #key;
  #onRefused;

  /** `onRefused` is called with the problem when the credential is not, or no longer, good. */
  constructor(key, onRefused = () => {}) {
    this.#key = key;
    this.#onRefused = onRefused;
  }

  models(signal) {
    return this.#json("GET", "/v1/models", { signal });
  }

  /** A page of the caller's jobs, newest first. */
  jobs({ cursor = null, limit = null, status = null } = {}, signal = undefined) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ cursor, limit, status })) {
      if (value !== null) query.set(name, value);
    }
    return this.#json("GET", `/v1/jobs?${query}`, { signal });
  }

  job(id, signal) {
    return this.#json("GET", address(id), { signal });
  }

  submit(body, signal) {
    return this.#json("POST", "/v1/jobs", { body, signal });
  }

  /** A job that enlarges a finished picture. */
  upscale(body, signal) {
    const headers = { Prefer: "respond-async" }; // else the answer is the picture itself
    return this.#json("POST", "/v1/upscale", { body, headers, signal });
  }

  /** Give the service a picture file to draw from: its id, width, height and size. */
  sendPicture(file, type, signal) {
    return this.#json("POST", "/v1/images", { file, headers: { "Content-Type": type }, signal });
  }

  /** The file of a picture that was sent or drawn. */
  pictureOf(id, signal) {
    return this.picture(`/v1/images/${encodeURIComponent(id)}`, signal);
  }

  /** The map that a preprocessor makes of a picture, as a file. */
  async mapOf(body, signal) {
    return (await this.#call("POST", "/v1/preprocess", { body, signal })).blob();
  }

  /** The settings that a picture carries, by the names of AUTOMATIC1111. `image` is base64. */
  async settingsOf(image, signal) {
    const told = await this.#json("POST", "/sdapi/v1/png-info", { body: { image }, signal });
    return told.parameters;
  }

  cancel(id) {
    return this.#json("DELETE", address(id), {});
  }

  /** Remove a finished job and its pictures for good. One that is gone already is no matter. */
  async forget(id) {
    try {
      const response = await this.#call("DELETE", `${address(id)}?forget=true`, {});
      if (response.status !== 204) throw new Error("This service cannot delete pictures.");
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  /** The file at `url`, which only who has the credential gets. */
  async picture(url, signal) {
    return (await this.#call("GET", url, { signal })).blob();
  }

  /** The events of a job after the one of this id, as a response that goes on. */
  events(id, lastEventId, signal) {
    const headers = { Accept: "text/event-stream" };
    if (lastEventId) headers["Last-Event-ID"] = lastEventId;
    return this.#call("GET", `${address(id)}/events`, { headers, signal, cache: "no-store" });
  }

  async #json(method, path, options) {
    return (await this.#call(method, path, options)).json();
  }

  async #call(method, path, { body, file, headers = {}, signal, cache } = {}) {
    const sent = { ...headers, Authorization: `Bearer ${this.#key}` };
    if (body !== undefined) sent["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(path, {
        method,
        headers: sent,
        signal,
        cache,
        body: body === undefined ? file : JSON.stringify(body),
        credentials: "omit",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Unreachable(error);
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status === 401) this.#onRefused(problem);
    throw problem;
  }
}

const address = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

async function problemOf(response) {
  let body = {};
  try {
    body = (await response.json()) ?? {};
  } catch {
    // A proxy's own page, say: the status is all there is.
  }
  const seconds = Number(response.headers.get("Retry-After"));
  return new Problem(body, response.status, seconds > 0 ? seconds : null);
}
