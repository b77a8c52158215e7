// Items of a record as a tree: commands with their streams, steps, waits, faults, logs, artifacts.
import { el, fill, duration, clockText, bytesText, count, plain, wallText } from './base.js';
import { readExtent } from './blocks.js';
import { block, pairs, cutNote, valueText, placeText, sourceBlock } from './text.js';
import { outputOf } from './streams.js';

const pageSize = 200;
const kindWords = { command: 'cmd', artifact: 'file' };

// Returns the roots of a flat list in which each item has the place of its parent.
export function treeOf(items) {
  const nodes = items.map((item) => ({ item, children: [] }));
  const roots = [];
  for (const node of nodes) {
    const parent = node.item.p;
    (parent >= 0 ? nodes[parent].children : roots).push(node);
  }
  const byTime = (one, other) => one.item.b - other.item.b;
  for (const node of nodes) node.children.sort(byTime);
  return roots.sort(byTime);
}

function hasContent({ item, children }) {
  return children.length > 0 || item.l || item.art || item.a || item.f || item.w;
}

// What became of the item, in a word.
function resultOf(item) {
  const fields = item.f || {};
  if (item.s === 2) return ['infra', item.e < 0 || !item.w ? item.w || 'no end' : item.w];
  if (item.s === 3) return ['calm', 'running'];
  if (fields.error) return ['fail', fields.error];
  if (fields.signal) return ['fail', `signal ${fields.signal}`];
  if (fields.exit !== undefined) return fields.exit === 0 ? null : ['warn', `exit ${fields.exit}`];
  if (item.s === 1) return ['fail', fields.outcome || 'failed'];
  return null;
}

function logLines(log, origin, around) {
  const element = el('div', { class: 'log' });
  let from = 0;
  if (around !== null && log.lines.length > pageSize) {
    const at = log.lines.findIndex((line) => line[0] !== null && line[0] >= around);
    from = Math.max(0, (at < 0 ? log.lines.length : at) - pageSize / 2);
  }
  let to = Math.min(log.lines.length, from + pageSize);
  const line = ([at, level, number, text, node]) => el('div', { class: `logline ${/^(e|crit|fatal|alert|panic)/i.test(level) ? 'bad'
    : /^warn/i.test(level) ? 'warn' : ''}` }, el('span', { class: 'number' }, number || ''),
  el('span', { class: 'at' }, at === null ? 'no time' : clockText(at - origin, 1e6)), /^(|info|debug|notice)$/i.test(level) ? '' : el('b', {}, level), node ? el('span', {}, node) : '',
  el('code', {}, plain(text)));
  const draw = () => fill(element,
      from > 0 && el('button', { class: 'more', type: 'button', click: () => { from = Math.max(0, from - pageSize); draw(); } },
          `Show earlier lines (${from} left)`),
      log.lines.slice(from, to).map(line),
      to < log.lines.length && el('button', { class: 'more', type: 'button', click: () => {
        to = Math.min(log.lines.length, to + pageSize);
        draw();
      } }, `Show later lines (${log.lines.length - to} left)`),
      log.cut ? el('p', { class: 'note' }, `${count(log.cut, 'line')} more are not in the report.`) : null);
  draw();
  return element;
}

const imageTypes = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' };

async function showArtifact(item, element) {
  const bytes = await readExtent('b', item.art.extent);
  const type = imageTypes[item.t.split('.').pop().toLowerCase()];
  const isText = !type && !bytes.subarray(0, 4096).includes(0);
  const url = URL.createObjectURL(new Blob([bytes], { type: type || 'application/octet-stream' }));
  fill(element, type ? el('img', { src: url, alt: item.t }) : null,
      isText ? block(new TextDecoder().decode(bytes), { keepsBeginning: true, label: item.t }) : null,
      el('p', {}, el('a', { href: url, download: item.t.split('/').pop() }, `Save ${item.t.split('/').pop()}`)));
}

// A link beside the report. Each name is escaped, so that it stays a path.
function pathLink(link) {
  return './' + link.split('/').map(encodeURIComponent).join('/');
}

export function artifactBody(item) {
  const { art } = item;
  if (art.extent) {
    const element = el('div', {});
    showArtifact(item, element).catch((error) => fill(element, el('p', { class: 'note bad' }, String(error.message))));
    return element;
  }
  return el('p', { class: 'note' }, art.link ? el('a', { href: pathLink(art.link) }, art.link) : item.t,
      `${art.bytes !== undefined ? ', ' + bytesText(art.bytes) : ''}: not in the report, because ${art.why}`);
}

export function additionText(addition) {
  const { what, text, because, name, value, source, file, line } = addition;
  const rest = Object.entries(addition).filter(([key]) => !['what', 'at', 'text', 'because', 'name', 'value', 'source',
    'file', 'line', 'cut'].includes(key));
  return el('div', { class: 'addition' },
      el('h5', {}, what, name ? `: ${name}` : '', value !== undefined ? ` = ${valueText(value)}` : '',
          file ? el('span', {}, ` ${placeText(file, line)}`) : ''),
      source ? sourceBlock(source, line) : null, cutNote(addition.cut, 'text'), text ? block(text) : null,
      because ? el('p', {}, because) : null, rest.length ? pairs(rest.map(([key, each]) => [key, valueText(each)])) : null);
}

const ownFields = new Set(['out', 'err', 'order', 'outBytes', 'errBytes', 'exit', 'signal', 'error', 'elapsed', 'cut', 'path', 'outcome']);

function body(node, origin, around) {
  const { item, children } = node;
  const fields = item.f || {};
  const further = Object.entries(fields).filter(([name]) => !ownFields.has(name));
  return el('div', { class: 'itembody' },
      item.w && item.s !== 2 ? el('p', {}, item.w) : null,
      fields.error ? el('p', { class: 'bad' }, fields.error) : null,
      pairs([['outcome', item.k === 'command' && fields.exit === undefined ? fields.outcome : ''],
        ...further.map(([name, value]) => [name, valueText(value)])]),
      outputOf(fields),
      (item.a || []).map(additionText), item.l ? logLines(item.l, origin, around) : null,
      item.art ? artifactBody(item) : null, children.length ? branch(children, origin, around) : null);
}

function summaryOf({ item, children }, origin) {
  const result = resultOf(item);
  const lines = item.l ? count(item.l.lines.length, 'line') : '';
  return [el('span', { class: 'at' }, item.b < 0 ? '' : clockText(item.b - origin, 1e6)),
    el('span', { class: 'kind' }, kindWords[item.k] || item.k),
    el('span', { class: 'nodes' }, (item.n || []).join(' ')),
    el('span', { class: `what k-${item.k}` }, item.t, lines ? el('i', {}, lines) : '',
        children.length ? el('i', {}, count(children.length, 'item')) : ''),
    result ? el('span', { class: `result ${result[0]}` }, result[1]) : null,
    el('span', { class: 'time' }, item.e >= 0 && item.b >= 0 && item.k !== 'artifact' ? duration(item.e - item.b) : '')];
}

function leaf(node, origin, around) {
  const { item } = node;
  const classes = `item${item.s === 1 ? ' bad' : ''}`;
  if (!hasContent(node)) return el('div', { class: classes + ' plain', 'data-item': item.i }, summaryOf(node, origin));
  const details = el('details', { class: classes, 'data-item': item.i }, el('summary', {}, summaryOf(node, origin)));
  // The inside is made when it is opened: there may be very many items.
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(body(node, origin, around));
  });
  return details;
}

// Siblings, a page of them at a time.
export function branch(nodes, origin, around = null) {
  const element = el('div', { class: 'branch' });
  let next = 0;
  const more = el('button', { class: 'more', type: 'button', click: () => page() });
  const page = () => {
    more.remove();
    for (const node of nodes.slice(next, next + pageSize)) element.append(leaf(node, origin, around));
    next += pageSize;
    if (next >= nodes.length) return;
    more.textContent = `Show ${Math.min(pageSize, nodes.length - next)} more (${nodes.length - next} left)`;
    element.append(more);
  };
  page();
  return element;
}

// Opens the way to an item and returns its element; null: it is not among these.
export function revealItem(roots, element, id) {
  const path = pathTo(roots, id);
  if (!path) return null;
  let found = element;
  for (const node of path) {
    let next = found.querySelector(`[data-item="${node.item.i}"]`);
    for (let button; !next && (button = found.querySelector('.branch > .more'));) {
      button.click();
      next = found.querySelector(`[data-item="${node.item.i}"]`);
    }
    if (!next) return null;
    if (next.tagName === 'DETAILS' && !next.open) {
      next.open = true;
      if (next.childElementCount === 1) next.dispatchEvent(new Event('toggle'));
    }
    found = next;
  }
  return found;
}

function pathTo(roots, id) {
  const open = roots.map((node) => [node]);
  while (open.length) {
    const path = open.pop();
    const node = path[path.length - 1];
    if (node.item.i === id) return path;
    for (const child of node.children) open.push([...path, child]);
  }
  return null;
}
