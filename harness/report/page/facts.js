// What holds for the run as a whole: its head, banners, and the page of facts.
import { el, fill, count, duration, wallText, clockText, bytesText, grouped } from './base.js';
import { icon, outcomes } from './outcomes.js';
import { run, isMerged } from './data.js';
import { readJson } from './blocks.js';
import { state, linkTo, remembered } from './state.js';
import { block, pairs, placeText, sourceBlock, valueText } from './text.js';
import { treeOf, branch, revealItem } from './detail_items.js';

const verdicts = {
  0: ['pass', 'check', 'passed'],
  1: ['fail', 'cross', 'failed'],
  2: ['infra', 'diamond', 'infrastructure'],
  3: ['calm', 'dash', 'nothing ran'],
  4: ['infra', 'stop', 'cancelled'],
};

export function verdict() {
  if (run.running) return el('span', { class: 'badge calm' }, icon('clock'), 'running');
  const [group, shape, word] = verdicts[run.exit] || verdicts[1];
  return el('span', { class: `badge ${group}` }, icon(shape), word);
}

function gitText({ run: own }) {
  const git = (own && own.git) || {};
  return [git.branch, git.revision ? String(git.revision).slice(0, 12) : '', git.dirty ? 'with local changes' : ''].filter(Boolean).join(' ');
}

function seedOf({ run: own }) {
  return own && own.seed !== undefined ? String(own.seed) : '';
}

// What all runs have in common; otherwise how many different ones there are.
function shared(texts, word) {
  const all = [...new Set(texts.filter(Boolean))];
  return all.length < 2 ? all[0] || '' : count(all.length, word);
}

// One line below the title.
export function headline() {
  const { runs, writers } = run;
  const headers = writers.map((writer) => writer.header);
  const first = runs.reduce((earliest, each) => each.wall < earliest.wall ? each : earliest);
  const columns = run.columns.length > 1 ? count(run.columns.length, 'column') : '';
  return [columns, wallText(first.wall), isMerged() ? 'the longest ' + duration(run.length) : duration(run.length), shared(runs.map(gitText), 'revision'),
    count(run.nodes.length, 'node'), isMerged() ? '' : seedOf(first) && `seed ${seedOf(first)}`,
    `muster ${shared(headers.map(({ muster }) => muster), 'version') || '?'} on ${shared(headers.map(({ host }) => host), 'host') || '?'}`]
    .filter(Boolean).join(' \u00b7 ');
}

export function banners() {
  const list = [];
  if (run.remarks.length) {
    list.push(el('div', { class: 'banner', role: 'note' }, icon('diamond'), el('ul', { class: 'plainlist' },
        run.remarks.map((remark) => el('li', {}, remark)))));
  }
  if (run.running) {
    list.push(el('div', { class: 'banner', role: 'note' }, icon('clock'), el('p', {},
        el('b', {}, isMerged() ? 'A run goes on. ' : 'The run goes on. '), 'This report shows what was recorded when it was made.')));
  }
  if (!run.whole) {
    const cut = run.writers.filter((writer) => writer.ending === 'killed').length;
    list.push(el('div', { class: 'banner bad', role: 'note' }, icon('bolt'), el('div', {}, el('p', {},
        el('b', {}, 'The record is not whole. '),
        cut ? `${count(cut, 'writer')} did not finish. ` : '', 'A test without an end has not passed.'),
    el('ul', {}, run.problems.slice(0, 6).map((problem) => el('li', {}, problem)),
        run.problems.length > 6 ? el('li', {}, el('a', { href: linkTo({ v: 'run', test: '' }) }, `${grouped(run.problems.length - 6)} more`)) : null))));
  }
  if (run.failures.length) {
    list.push(el('div', { class: 'banner bad', role: 'note' }, icon('cross'), el('p', {},
        el('b', {}, `${count(run.failures.length, 'failure')} outside of tests. `), run.failures[0].text.slice(0, 240), ' ',
        el('a', { href: linkTo({ v: 'run', test: '' }) }, 'Show'))));
  }
  return list;
}

function nodeRows() {
  const clockWords = (clocks) => {
    if (!clocks || !clocks.length) return '';
    const [, offset, error] = clocks[clocks.length - 1];
    return `${offset < 0 ? '\u2212' : '+'}${duration(Math.abs(offset))} \u00b1 ${duration(error)}`;
  };
  const lossWords = (losses) => (losses || []).map(([from, to, because]) =>
    `${clockText(from, 1e6)} for ${duration(to - from)}${because ? ': ' + because : ''}`).join('; ');
  return run.nodes.map((node) => {
    const own = (node.facts && node.facts[0]) || {};
    const products = own.product ? Object.entries(own.product).map(([name, version]) =>
      typeof version === 'string' ? `${name} ${version}` : valueText(version)).join(', ') : '';
    return el('tr', {}, isMerged() && el('td', {}, run.runs[node.run].label), el('th', { scope: 'row' }, node.name), [own.role, own.address, own.system, own.kernel, own.agent, products,
      clockWords(node.clocks), lossWords(node.losses)].map((text) => el('td', {}, text || '')));
  });
}

function table(heads, rows) {
  return el('div', { class: 'wide', tabindex: '0' }, el('table', {}, el('thead', {}, el('tr', {}, heads.map((head) =>
    el('th', { scope: 'col' }, head)))), el('tbody', {}, rows)));
}

function configuration({ run: own }) {
  const list = (own && own.configuration) || [];
  return list.length ? table(['Name', 'Value', 'Origin'], list.map(({ name, value, origin }) => el('tr', {},
      el('th', { scope: 'row' }, name || ''), el('td', {}, valueText(value === undefined ? '' : value)), el('td', {}, origin || '')))) : null;
}

function writers() {
  return table(['Record', 'Role', 'Component', 'Process', 'Muster', 'Items', 'Ending'], run.writers.map(({ name, header, ending, items }) =>
    el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, header.role || ''), el('td', {}, header.component || ''),
        el('td', {}, `${header.pid || ''} ${header.host ? 'on ' + header.host : ''}`), el('td', {}, header.muster || ''),
        el('td', { class: 'number' }, grouped(items)), el('td', {}, ending))));
}

function failures() {
  return run.failures.map((failure) => el('article', { class: 'failure' }, el('header', {},
      el('code', {}, placeText(failure.file, failure.line) || 'no place'), failure.at === null ? failure.column : el('span', {}, `at ${clockText(failure.at, 1e6)}`),
      failure.infrastructure ? el('span', {}, 'infrastructure') : null),
  block(failure.text, { keepsBeginning: true }), failure.source ? sourceBlock(failure.source, failure.line) : null));
}

function part(title, content, note = '') {
  if (!content || (Array.isArray(content) && !content.length)) return null;
  return el('section', { class: 'part' }, el('h3', {}, title, note ? el('span', { class: 'note' }, note) : ''), content);
}

// Items of no test, of each writer. They are read when they are opened.
function outside() {
  return run.writers.map((writer, i) => {
    const details = el('details', { class: 'item' }, el('summary', {}, el('span', { class: 'what' }, writer.name),
        el('span', { class: 'time' }, writer.header.role || '')));
    details.addEventListener('toggle', async () => {
      if (details.childElementCount > 1) return;
      await openOutside(details, i);
    });
    return details;
  });
}

async function openOutside(details, place) {
  const roots = treeOf(await readJson('b', run.outside[place]));
  const holder = el('div', { class: 'itembody' }, roots.length ? branch(roots, 0) : el('p', { class: 'note' }, 'None.'));
  details.append(holder);
  return [roots, holder];
}

function leftOut() {
  const { artifacts } = run;
  const beside = artifacts.count - artifacts.inlined;
  return pairs([
    ['artifacts', artifacts.count ? `${grouped(artifacts.inlined)} of ${grouped(artifacts.count)} in the report (${bytesText(artifacts.bytes)})` +
        (beside ? `; ${grouped(beside)} beside it` : '') : ''],
    ['log lines left out', run.linesCut ? grouped(run.linesCut) : ''],
    ['log lines without a time', run.linesWithoutTime ? grouped(run.linesWithoutTime) : ''],
    ['log lines without a zone', run.linesWithoutZone ? grouped(run.linesWithoutZone) : ''],
    ['text left out', run.textBytesCut ? bytesText(run.textBytesCut) : ''],
  ]);
}

function runParts(each) {
  const own = each.run || {};
  const title = isMerged() ? `Run ${each.label}` : 'Run';
  return [part(title, pairs([['run', each.id], ['column', each.column], ['began', wallText(each.wall)], ['length', duration(each.length)],
    ['exit status', String(each.exit)], ['record', each.whole ? 'whole' : 'not whole'], ['revision', gitText(each)],
    ['seed', seedOf(each)], ['command', (own.command || []).join(' ')], ['directory', own.directory || each.directory]])),
  part(isMerged() ? `Configuration of ${each.label}` : 'Configuration', configuration(each))];
}

export function runPage() {
  const list = el('div', {}, outside());
  const nodeHeads = [isMerged() && 'Run', 'Node', 'Role', 'Address', 'System', 'Kernel', 'Agent', 'Product', 'Clock', 'Lost'].filter(Boolean);
  const page = el('section', { class: 'runpage', 'aria-label': 'The run' }, el('h2', { class: 'unseen' }, 'The run'),
      part('Failures outside of tests', failures()),
      part('What is missing or damaged', run.problems.length ? el('ul', { class: 'plainlist' }, run.problems.map((problem) => el('li', {}, problem))) : null),
      run.runs.map(runParts),
      part('Nodes', run.nodes.length ? table(nodeHeads, nodeRows()) : null),
      part('Records', writers()),
      part('Items of no test', list, 'set-ups, programs, nodes'), part('In this report', leftOut()));
  const wanted = state.item.match(/^(\d+)\./);
  if (wanted && list.children[Number(wanted[1])]) revealOutside(list.children[Number(wanted[1])], Number(wanted[1]));
  return page;
}

async function revealOutside(details, place) {
  const [roots, holder] = await openOutside(details, place);
  details.open = true;
  const found = revealItem(roots, holder, state.item);
  if (!found) return;
  found.classList.add('found');
  found.scrollIntoView({ block: 'center' });
}
