// How long a drawing takes, from what earlier ones of the same model took.

/** Learns from finished jobs. Work is counted in pixels times steps times pictures. */
export class Estimates {
  #known = new Map(); // by model: when the job was asked for, and seconds for a unit of work

  learn(job) {
    if (job.status !== "succeeded" || !job.timings) return;
    const { generate = 0, encode = 0 } = job.timings;
    const seconds = generate + encode;
    const before = this.#known.get(job.request.model_id);
    if (!(seconds > 0) || (before && before.at > job.created_at)) return;
    const rate = seconds / work(job.request);
    this.#known.set(job.request.model_id, { at: job.created_at, rate });
  }

  /** Seconds that this request will take once it is begun; null when nothing is known. */
  seconds(request) {
    const known = this.#known.get(request.model_id);
    const units = work(request);
    return known && units > 0 ? known.rate * units : null;
  }

  /** Seconds until `job` is done, which waits behind those of `jobs` that came before it. */
  secondsUntilDone(job, jobs) {
    const ahead = jobs.filter(({ created_at: at, id }) => id !== job.id && at < job.created_at);
    let all = this.seconds(job.request);
    for (const other of ahead) {
      const left = other.progress?.seconds_left ?? this.seconds(other.request);
      if (all === null || left === null) return null;
      all += left;
    }
    return all;
  }

  clear() {
    this.#known.clear();
  }
}

const work = ({ width, height, num_inference_steps: steps, num_images: images = 1 }) =>
  width * height * steps * images;
