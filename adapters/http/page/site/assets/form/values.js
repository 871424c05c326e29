// The value of a control as the API has it, and back. A control's name is the path of its field in the
// request: `second_pass.scale` is the field `scale` of `second_pass`.

/** The value of a control; its data-type says how it is read. */
export function read(control) {
  const { type } = control.dataset;
  if (type === "integer" || type === "number") return Number(control.value);
  if (type === "picture") return { id: control.value };
  if (type === "list") return JSON.parse(control.value);
  return control.value;
}

/** Give a control this value, or its default for null. Of radio buttons, choose the one of this value. */
export function write(control, value) {
  const { type } = control.dataset;
  if (type === "switch") control.checked = Boolean(value);
  else if (type === "picture") control.value = value?.id ?? value ?? "";
  else if (type === "list") control.value = Array.isArray(value) ? listText(value) : (value ?? "");
  else if (isChoice(control)) control.checked = control.value === String(value);
  else if (control.tagName === "SELECT" && value === null) control.selectedIndex = defaultIndex(control);
  else control.value = value ?? control.defaultValue;
  // The list of upscalers may come later.
  if ("upscalers" in control.dataset) control.dataset.wanted = value ?? "";
}

/** The value of a control as text, for the draft. `write` takes it back. */
export function textOf(control) {
  if (control.dataset.type === "switch") return control.checked ? "on" : "";
  return isLeftOut(control) ? "" : control.value;
}

/** Whether a control has a value that counts only while it is checked, and is not checked. */
export const isLeftOut = (control) => isChoice(control) && !control.checked;

/** Whether a control stands for one value, which is chosen while it is checked. */
const isChoice = ({ type, dataset }) => type === "radio" || (type === "checkbox" && dataset.type !== "switch");

const listText = (values) => (values.length ? JSON.stringify(values) : "");

/** The field at the path `name` of a request; undefined if it is left out. */
export const fieldOf = (request, name) =>
  name.split(".").reduce((part, key) => part?.[key], request);

/** Set the field at the path `name` of a request. */
export function setField(request, name, value) {
  const path = name.split(".");
  const last = path.pop();
  const part = path.reduce((whole, key) => (whole[key] ??= {}), request);
  part[last] = value;
}

/** The words that name a control. */
export function labelOf(control) {
  if (control.dataset.label) return control.dataset.label;
  const label =
    control.type === "radio"
      ? control.closest("fieldset").querySelector("legend")
      : control.labels[0];
  return label?.firstChild.textContent.trim() || label?.textContent.trim() || control.name;
}

const defaultIndex = (select) =>
  Math.max(0, [...select.options].findIndex((option) => option.defaultSelected));
