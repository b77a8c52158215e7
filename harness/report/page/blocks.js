// The data of the report: blocks of base64 in the document, each deflated by itself. A block is opened when something in it
// is needed.

const kept = new Map();
const keptMax = 48;

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; ++i) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function inflate(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`block ${id} is missing: the report was cut`);
  const stream = new Blob([bytesOf(element.textContent)]).stream();
  const plainStream = stream.pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(plainStream).arrayBuffer());
}

function open(id) {
  const known = kept.get(id);
  if (known) return known;
  const bytes = inflate(id);
  kept.set(id, bytes);
  if (kept.size > keptMax) kept.delete(kept.keys().next().value);
  return bytes;
}

// Returns the bytes of an extent [block, offset, length], which may go on in further blocks.
export async function readExtent(prefix, [block, offset, length]) {
  let bytes = await open(prefix + block);
  if (offset + length <= bytes.length) return bytes.subarray(offset, offset + length);
  const all = new Uint8Array(length);
  let have = 0;
  while (have < length) {
    const part = bytes.subarray(offset, offset + length - have);
    all.set(part, have);
    have += part.length;
    offset = 0;
    ++block;
    if (have < length) bytes = await open(prefix + block);
  }
  return all;
}

export async function readJson(prefix, extent) {
  return JSON.parse(new TextDecoder().decode(await readExtent(prefix, extent)));
}
