// Sends something until it is accepted. The id of a request makes that safe: nothing is drawn twice.

import { Problem, Unreachable } from "./api.js";
import { pause } from "./dom.js";

const LONGEST_PAUSE = 8;

/** A name that no other request has. Without HTTPS a browser has no randomUUID. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Do `attempt` until the service accepts; its answer. While the service has no room, or is away, it is
 * done again.
 *
 * @param {(reason: string, seconds: number) => void} onWait called each second until then
 */
export async function insist(attempt, { onWait, signal }) {
  for (let seconds = 1; ; seconds = Math.min(seconds * 2, LONGEST_PAUSE)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !mayPass(error)) throw error;
      for (let left = error.retryAfter ?? seconds; left > 0; left -= 1) {
        onWait(error.message, Math.ceil(left));
        await pause(Math.min(left, 1) * 1000, signal);
      }
    }
  }
}

const mayPass = (error) =>
  error instanceof Unreachable ||
  (error instanceof Problem && error.status === 503 && error.retryAfter !== null);
