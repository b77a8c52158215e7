// Outputs of commands: each stream alone, and both as one text in the order in which they were read.
import { el, fill, bytesText, plain } from './base.js';
import { shownMax, block, cutNote } from './text.js';

const streams = ['out', 'err'];
const streamNames = ['standard output', 'standard error'];

// Returns what is recorded of both streams as pieces [place of the stream, text] in order; null: the order is not known. A
// record counts bytes of UTF-8, by turns from standard output on and up to the ends of both.
function piecesInOrder({ out, err, order }) {
  if (!out || !err || !Array.isArray(order) || !order.length) return null;
  const left = [out, err].map((text) => new TextEncoder().encode(text));
  const ordered = [0, 0];
  order.forEach((length, i) => { ordered[i % 2] += length; });
  // A text that was cut here has lost some of them.
  if (ordered[0] > left[0].length || ordered[1] > left[1].length) return null;
  const pieces = [];
  const take = (stream, length) => {
    if (length > 0) pieces.push([stream, new TextDecoder().decode(left[stream].subarray(0, length))]);
    left[stream] = left[stream].subarray(length);
  };
  left.map((bytes, stream) => bytes.length - ordered[stream]).forEach((length, stream) => take(stream, length));
  order.forEach((length, i) => take(i % 2, length));
  return pieces;
}

// Returns the lines of the pieces, each of parts [place of the stream, text]. A note comes before the first line of a stream
// whose beginning is not in the record: other lines above it are of the other stream only.
function linesOf(pieces, notes) {
  const lines = [];
  const begun = [false, false];
  let open = null;
  for (const [stream, text] of pieces) {
    if (!begun[stream] && notes[stream]) {
      lines.push({ note: notes[stream] });
      open = null;
    }
    begun[stream] = true;
    for (const part of text.match(/[^\n]*\n|[^\n]+/g)) {
      if (!open) lines.push(open = { parts: [] });
      open.parts.push([stream, plain(part.replace(/\n$/, ''))]);
      if (part.endsWith('\n')) open = null;
    }
  }
  return lines;
}

function lineElement({ note, parts }) {
  if (note) return el('div', { class: 'line note' }, note);
  const hasErrors = parts.some(([stream, text]) => stream === 1 && (text || parts.length === 1));
  return el('div', { class: hasErrors ? 'line err' : 'line' },
      el('span', { class: 'mark' }, hasErrors ? el('abbr', { title: 'standard error' }, 'err') : ''),
      el('code', {}, parts.map(([stream, text]) => stream === 1 ? el('span', { class: 'err' }, text) : text)));
}

// The end of the text, and the rest on demand, as block() shows it.
function mergedBlock(lines) {
  const element = el('div', { class: 'merged', role: 'group', tabindex: '0', 'aria-label': 'both streams' });
  const hidden = Math.max(0, lines.length - shownMax);
  fill(element, lines.slice(hidden).map(lineElement));
  if (!hidden) return element;
  const more = el('button', { class: 'more', type: 'button', click: () => {
    fill(element, lines.map(lineElement));
    more.remove();
  } }, `Show ${hidden} earlier lines`);
  return el('div', { class: 'long' }, more, element);
}

// How much of a stream is missing at its beginning, as far as one can say: escapes make a text longer than it was.
function isEndOnly(text, bytes) {
  return bytes > new TextEncoder().encode(text).length + 8;
}

function oneStream(fields, stream) {
  const name = streams[stream];
  const text = fields[name];
  const bytes = fields[name + 'Bytes'];
  if (!text && !bytes) return null;
  return el('div', { class: 'stream' },
      el('h5', {}, streamNames[stream], bytes ? el('span', {}, ` ${bytesText(bytes)}${isEndOnly(text || '', bytes) ? ', the end of it' : ''}`) : ''),
      cutNote(fields.cut, name), text ? block(text, { label: streamNames[stream] }) : el('p', { class: 'note' }, 'Its text is not in the record.'));
}

// What a command wrote. Both streams are one text where their order is known, and each can be looked at alone.
export function outputOf(fields) {
  const pieces = piecesInOrder(fields);
  const alone = [oneStream(fields, 0), oneStream(fields, 1)];
  if (!pieces) return alone;
  const notes = streams.map((name, stream) => isEndOnly(fields[name], fields[name + 'Bytes'])
    ? `The beginning of ${streamNames[stream]} is not in the record.` : '');
  const lines = linesOf(pieces, notes);
  const both = el('div', { class: 'stream' }, el('h5', {}, 'both streams',
      el('span', {}, ' in the order in which they were read; lines with standard error are marked')), mergedBlock(lines));
  const views = [['Both', both], ...alone.map((view, stream) => [streamNames[stream][0].toUpperCase() + streamNames[stream].slice(1), view])];
  const shown = el('div', {}, both);
  const choice = el('div', { class: 'kinds', role: 'group', 'aria-label': 'Streams' }, views.map(([name, view], chosen) => el('button', {
    type: 'button', class: 'chip', 'aria-pressed': String(chosen === 0), click: () => {
      [...choice.children].forEach((button, i) => button.setAttribute('aria-pressed', String(i === chosen)));
      fill(shown, view);
    } }, name)));
  return el('div', { class: 'streams' }, choice, shown);
}
