// The card of a ControlNet: its picture and the map that is made from it, its weight, and when it acts.

import { icon, make, say } from "../core/dom.js";
import { card, choiceField, scaleField } from "./parts.js";

const FITS = { crop: "Crop the picture", stretch: "Stretch the picture", pad: "Pad the picture" };
const MODES = { balanced: "Prompt and map alike", prompt: "The prompt", control: "The map" };
const MAP_ITSELF = "Nothing: the picture is the map";
const MAKERS = { canny: "Canny: its outlines", invert: "Invert: light and dark swapped" };

export function controlCard(entry, context) {
  const { id, path, name, limits, onChange } = context;
  const shown = pictureFields(entry, context);
  const number = (label, field, more) =>
    scaleField(
      { id: `${id}-${field}`, label, of: name, path: `${path}.${field}`, limit: limits[field], step: 0.05, ...more },
      (value) => {
        entry[field] = value;
        onChange();
      },
    );
  const mode = choiceField(
    { id: `${id}-mode`, label: "What counts more", of: name, words: MODES, value: entry.mode ?? "balanced" },
    (value) => {
      entry.mode = value;
      onChange();
    },
  );
  const fit = choiceField(
    { id: `${id}-fit`, label: "Where the shape differs", of: name, words: FITS, value: entry.resize_mode ?? "crop" },
    (value) => {
      entry.resize_mode = value;
      onChange();
    },
  );
  return card(
    context,
    context.onRemove,
    shown,
    number("Weight", "scale", { value: entry.scale ?? 1 }),
    number("Start", "start", { value: entry.start ?? 0 }),
    number("End", "end", { value: entry.end ?? 1 }),
    make("p", { className: "hint", textContent: "Start and end are shares of the steps. 0 to 1 is the whole drawing." }),
    mode,
    fit,
  );
}

/** The picture, the preprocessor with its settings, and the map. */
function pictureFields(entry, { id, path, name, canny, preprocessors, pictures, onChange, onSent }) {
  const picture = look("Picture");
  const map = look("Map");
  const wait = make("p", { className: "hint", hidden: true });
  wait.setAttribute("role", "status");
  const wrong = make("p", { className: "field-error", hidden: true });
  wrong.setAttribute("role", "alert");
  const choose = make("button", { type: "button", className: "quiet", id: `${id}-choose` }, icon("picture"), make("span"));
  const file = make("input", { type: "file", accept: document.getElementById("picture-file").accept, hidden: true, tabIndex: -1 });
  file.setAttribute("aria-label", `Picture file of ${name}`);
  choose.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files.length) take(file.files[0]);
    file.value = "";
  });

  const show = () => {
    const chosen = Boolean(entry.image) || pictures.isSending(entry);
    choose.lastElementChild.textContent = chosen ? "Choose another" : "Choose a picture";
    choose.setAttribute("aria-label", `${choose.lastElementChild.textContent} for ${name}`);
    picture.hidden = !chosen;
    map.hidden = !chosen || !makerOf(entry);
    pictures.show(entry, { picture, map, say: (text) => say(wrong, text), wait: (text) => say(wait, text) });
  };
  const take = async (sent) => {
    say(wrong, "");
    const sending = pictures.take(entry, sent);
    show();
    const problem = await sending;
    onChange();
    if (!choose.isConnected) return onSent(); // the cards were made again meanwhile
    if (problem !== null) say(wrong, problem);
    show();
  };
  const preprocessor = choiceField(
    { id: `${id}-preprocessor`, label: "Made into a map by", of: name, words: makers(preprocessors), value: makerOf(entry) },
    (value) => {
      setMaker(entry, value, canny);
      thresholds.settle();
      onChange();
      show();
    },
  );
  const thresholds = cannyFields(entry, { id, path, name, canny }, () => {
    onChange();
    show();
  });
  const dropped = make("div", { className: "control-picture" }, make("div", { className: "looks" }, picture, map), wait, choose, file, wrong);
  acceptDrops(dropped, take);
  show();
  return make("div", { className: "control-fields" }, dropped, preprocessor, thresholds);
}

/** The thresholds of canny. They belong to no other preprocessor. */
function cannyFields(entry, { id, path, name, canny }, onValue) {
  const fields = Object.entries({ low: "Low", high: "High" }).map(([field, label]) =>
    scaleField(
      {
        id: `${id}-${field}`,
        label,
        of: name,
        path: `${path}.preprocessor.${field}`,
        limit: canny[field],
        step: 1,
        value: entry.preprocessor?.[field] ?? canny[field].value,
      },
      (value) => {
        entry.preprocessor = { name: "canny", ...thresholdsOf(entry, canny), [field]: value };
        onValue();
      },
    ),
  );
  const told = make("p", { className: "hint", textContent: "Lower numbers find more outlines." });
  const made = make("div", { className: "control-fields" }, ...fields, told);
  made.settle = () => (made.hidden = makerOf(entry) !== "canny");
  made.settle();
  return made;
}

/** The name of the preprocessor of a control; empty if its picture is the map. */
function makerOf({ preprocessor }) {
  return (typeof preprocessor === "string" ? preprocessor : preprocessor?.name) ?? "";
}

function setMaker(entry, name, canny) {
  if (!name) delete entry.preprocessor;
  else entry.preprocessor = name === "canny" ? { name, ...thresholdsOf(entry, canny) } : name;
}

const thresholdsOf = ({ preprocessor }, canny) => ({
  low: preprocessor?.low ?? canny.low.value,
  high: preprocessor?.high ?? canny.high.value,
});

const makers = (names) =>
  Object.fromEntries([["", MAP_ITSELF], ...names.map((name) => [name, MAKERS[name] ?? name])]);

function look(text) {
  const caption = make("figcaption", { className: "hint", textContent: text });
  return make("figure", { className: "look", hidden: true }, make("img", { alt: text }), caption);
}

/** Take a picture that is dropped here. Elsewhere on the page the drawing starts from it. */
function acceptDrops(element, take) {
  const mark = (on) => element.toggleAttribute("data-drop-here", on);
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    document.body.removeAttribute("data-dropping");
    event.dataTransfer.dropEffect = "copy";
    mark(true);
  });
  element.addEventListener("dragleave", () => mark(false));
  element.addEventListener("drop", (event) => {
    mark(false);
    const [dropped] = event.dataTransfer?.files ?? [];
    if (!dropped) return;
    event.preventDefault();
    event.stopPropagation();
    take(dropped);
  });
}
