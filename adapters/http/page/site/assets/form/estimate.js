// How long a drawing takes, from what earlier ones of the same model took.

/** Learns from finished jobs. Work is counted in pixels times steps times pictures. */
export class Estimates {
  #known = new Map(); // by model and number of ControlNets: when the job was asked for, and seconds for a unit of work

  learn(job) {
    if (job.status !== "succeeded" || !job.timings) return;
    const { generate = 0, encode = 0 } = job.timings;
    const seconds = generate + encode;
    const before = this.#known.get(keyOf(job.request));
    const units = work(job.request);
    // What an upscaler took of the time is not known.
    if (!(seconds > 0 && units > 0) || job.request.upscale || (before && before.at > job.created_at)) return;
    const rate = seconds / units;
    this.#known.set(keyOf(job.request), { at: job.created_at, rate });
  }

  /** Seconds that this request will take once it is begun; null when nothing is known. */
  seconds(request) {
    const known = this.#known.get(keyOf(request));
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

/** What the time for a unit of work depends on. Each ControlNet is drawn with at each step. */
const keyOf = ({ model_id: id, controls }) => `${id} ${controls?.length ?? 0}`;

/** The work of a request: NaN for one that is not counted so, as that of an upscaler. */
function work(request) {
  const { width, height, num_inference_steps: steps, num_images: images = 1 } = request;
  const { init_image: start, strength = 1, second_pass: second } = request;
  const first = start ? share(steps, strength) : steps;
  const again = second ? second.scale ** 2 * share(second.num_inference_steps ?? steps, second.strength) : 0;
  return width * height * (first + again) * images;
}

/** The steps that run of a schedule at this strength, as the API counts them. */
const share = (steps, strength) => (strength > 0 ? Math.max(1, Math.floor(steps * strength)) : 0);
