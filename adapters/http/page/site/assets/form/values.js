// The value of a control as the API has it, and back.

/** What a control holds; its data-type says how it is read. */
export function read(control) {
  if (control.dataset.type === "integer" || control.dataset.type === "number") {
    return Number(control.value);
  }
  return control.value;
}

/** Let a control hold this value; of radio buttons, let the one of this value be chosen. */
export function write(control, value) {
  if (control.type === "radio") control.checked = control.value === String(value);
  else if (control.tagName === "SELECT" && value === null) control.selectedIndex = 0;
  else control.value = value ?? control.defaultValue;
}

/** The words that name a control. */
export function labelOf(control) {
  const label =
    control.type === "radio"
      ? control.closest("fieldset").querySelector("legend")
      : control.labels[0];
  return label?.firstChild.textContent.trim() ?? control.name;
}
