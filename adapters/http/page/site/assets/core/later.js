// The scripts and styles of `pictures/`, which the page loads when a person first needs them.

let styles = null;

/** The module of this name in `pictures/`, with its styles. */
export async function later(name) {
  const [module] = await Promise.all([import(`../pictures/${name}.js`), styled()]);
  return module;
}

function styled() {
  styles ??= new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("../pictures/pictures.css", import.meta.url);
    // Without the styles the tools still work.
    for (const event of ["load", "error"]) link.addEventListener(event, resolve);
    document.head.append(link);
  });
  return styles;
}
