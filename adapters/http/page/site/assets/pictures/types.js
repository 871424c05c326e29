// The type of a picture file, by its first bytes. A browser derives the type from the name of the file,
// which may be wrong.

/** The media type of a file; the browser's own type if the bytes are unknown. */
export async function typeOf(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const text = String.fromCharCode(...head);
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("RIFF") && text.endsWith("WEBP")) return "image/webp";
  return file.type || "application/octet-stream";
}
