// The tab's title: how far the drawing is, and that it is done while nobody looked.

const NAME = document.title;

/** Show this before the name of the page; nothing when `text` is empty. */
export function title(text) {
  document.title = text ? `${text} · ${NAME}` : NAME;
}

/** Say so until somebody comes back to the tab. */
export function titleUntilSeen(text) {
  title(document.hidden ? text : "");
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.title.startsWith("Done")) title("");
});
