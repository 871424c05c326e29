// What happens to a job, as it happens. Server-sent events are read by hand, because an
// EventSource can send no credential.

import { Problem, Unreachable } from "./api.js";
import { pause } from "./dom.js";

const SILENCE = 20_000; // the service gives a sign of life every 5 s
const POLL = 2_000;
const LONGEST_PAUSE = 8_000;
const STREAM_FAILURES = 3; // then something between here and the service lets no stream through

/**
 * Follow a job to its end; its last state. Outlives lost connections and restarts of the service.
 *
 * @param {object} options
 * @param {(name: string, data: object) => void} options.onEvent with `queued` and `job` (a Job),
 *   `progress` and `preview`.
 * @param {(connected: boolean) => void} options.onConnection
 * Throws Problem when the service will say no more of it, and the signal's reason when that aborts.
 */
export async function follow(api, id, { onEvent, onConnection, signal }) {
  let lastEventId = "";
  let failures = 0;
  let wait = POLL / 2;
  for (;;) {
    if (failures < STREAM_FAILURES) {
      try {
        const response = await api.events(id, lastEventId, signal);
        if (response.status === 204) return await api.job(id, signal);
        for await (const event of eventsOf(response.body)) {
          failures = 0;
          wait = POLL / 2;
          onConnection(true);
          if (event.id) lastEventId = event.id;
          if (event.name === "done") return event.data;
          onEvent(event.name, event.data);
        }
        failures += 1; // it ended early: the service stops
      } catch (error) {
        if (signal.aborted || isFinal(error)) throw error;
        failures += error instanceof Unreachable ? 0 : 1;
      }
    }
    try {
      const job = await api.job(id, signal);
      onConnection(true);
      if (job.finished_at) return job;
      onEvent("job", job);
      wait = POLL;
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      onConnection(false);
      wait = Math.min(wait * 2, LONGEST_PAUSE);
    }
    await pause(wait, signal);
  }
}

/** Whether trying again would bring the same answer. */
const isFinal = (error) => error instanceof Problem && error.status < 500;

/** The events of a stream, as section 9.2.6 of the HTML standard reads them. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = {};
  try {
    for (;;) {
      const { value, done } = await within(SILENCE, reader.read());
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (event.data !== undefined) {
            yield { id: event.id, name: event.event ?? "message", data: JSON.parse(event.data) };
          }
          event = {};
        } else if (!line.startsWith(":")) {
          const [, field, text] = line.match(/^([^:]*):? ?(.*)$/s);
          const more = field === "data" && event.data !== undefined;
          event[field] = more ? `${event.data}\n${text}` : text;
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The promise's value, unless it is late: a connection that died is often not said to have. */
async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, milliseconds, new Error("the stream is silent"));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
