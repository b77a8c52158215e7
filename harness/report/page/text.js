// Texts of tests and nodes: sources, outputs, values.
import { el, plain, bytesText } from './base.js';

export const shownMax = 40;

// A text in a fixed font. A long one shows its end, and the rest on demand.
export function block(text, { keepsBeginning = false, label = '' } = {}) {
  const lines = plain(text).replace(/\n+$/, '').split('\n');
  const pre = el('pre', { class: 'text', tabindex: '0', 'aria-label': label || null });
  if (lines.length <= shownMax) {
    pre.textContent = lines.join('\n');
    return pre;
  }
  const hidden = lines.length - shownMax;
  pre.textContent = (keepsBeginning ? lines.slice(0, shownMax) : lines.slice(hidden)).join('\n');
  const more = el('button', { class: 'more', type: 'button', click: () => {
    pre.textContent = lines.join('\n');
    more.remove();
  } }, `Show ${hidden} ${keepsBeginning ? 'more' : 'earlier'} lines`);
  return el('div', { class: 'long' }, keepsBeginning ? [pre, more] : [more, pre]);
}

export function placeText(file, line) {
  return file ? `${file}${line ? ':' + line : ''}` : '';
}

// The lines around the place of a failure.
export function sourceBlock(source, line) {
  const rows = source.lines.map((text, i) => {
    const number = source.first + i;
    const isPlace = number === line;
    return el('div', { class: isPlace ? 'line here' : 'line' },
        el('span', { class: 'number', 'aria-hidden': 'true' }, isPlace ? '\u203a ' : '', number),
        el('code', {}, text || ' '));
  });
  return el('div', { class: 'source', role: 'group', 'aria-label': `Source around line ${line}` }, rows,
      source.found && el('p', { class: 'note' }, `Read from ${source.found}.`),
      source.changed && el('p', { class: 'note' }, 'The file has changed since the run: the lines may be others.'));
}

export function cutNote(cut, name) {
  return cut && cut[name] ? el('p', { class: 'note' }, `${bytesText(cut[name])} before this are left out.`) : null;
}

// A two-column list of what has a value.
export function pairs(entries) {
  const rows = entries.filter(([, value]) => value !== '' && value !== null && value !== undefined);
  if (!rows.length) return null;
  return el('dl', { class: 'pairs' }, rows.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

export function valueText(value) {
  if (typeof value === 'string') return value;
  return JSON.stringify(value);
}
