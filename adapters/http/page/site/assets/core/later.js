// Scripts and styles that the page loads when a person first needs them: those of `pictures/` and `addons/`.

const styles = new Map();

/** The module at this path, as "pictures/source", with the styles of its folder. */
export async function later(path) {
  const [folder] = path.split("/");
  const [module] = await Promise.all([import(`../${path}.js`), styled(folder)]);
  return module;
}

function styled(folder) {
  if (!styles.has(folder)) styles.set(folder, load(folder));
  return styles.get(folder);
}

function load(folder) {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(`../${folder}/${folder}.css`, import.meta.url);
    // Without the styles the tools still work.
    for (const event of ["load", "error"]) link.addEventListener(event, resolve);
    document.head.append(link);
  });
}
