// Values as people read them.

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** 15777814 -> "15.8 MB" */
export function bytes(size) {
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit && size < 100 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** 75 -> "1 min 15 s" */
export function duration(seconds) {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** An estimate: 82 -> "1 min 20 s", 235 -> "4 min" */
export function roughly(seconds) {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds >= 3_570) return `${(seconds / 3_600).toFixed(1)} h`;
  const tens = Math.round(seconds / 10);
  const [minutes, rest] = seconds < 180 ? [Math.floor(tens / 6), tens % 6] : [Math.round(seconds / 60), 0];
  return rest ? `${minutes} min ${10 * rest} s` : `${minutes} min`;
}

/** 2, "picture" -> "2 pictures" */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** A time of the service, by the clock of whoever reads it. */
export function when(timestamp) {
  const date = new Date(timestamp);
  const today = date.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  return date.toLocaleString(undefined, { ...day, hour: "2-digit", minute: "2-digit" });
}

/** A file name for a picture: "a-red-circle-7.png" of its seed, or the first digits of its id. */
export function fileName(prompt, { seed = null, id = "", media_type: mediaType }) {
  const words = prompt.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  const extension = { "image/jpeg": "jpg", "image/webp": "webp" }[mediaType] ?? "png";
  return `${[...words].slice(0, 48).join("") || "picture"}-${seed ?? id.slice(0, 8)}.${extension}`;
}
