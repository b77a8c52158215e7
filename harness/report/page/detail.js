// The page of one test: what failed, attempts, the timeline around it, what it did, and what ran before it.
import { el, fill, duration, clockText, count, grouped, plain } from './base.js';
import { outcomes, badge } from './outcomes.js';
import { run, tests, testsBefore, isMerged } from './data.js';
import { readJson } from './blocks.js';
import { state, go, linkTo, onChange } from './state.js';
import { block, placeText, sourceBlock, pairs, cutNote, valueText } from './text.js';
import { treeOf, branch, revealItem, additionText, artifactBody } from './detail_items.js';
import { Timeline } from './timeline.js';
import { neighbour, positionText } from './list.js';

// A page with this many items in the timeline opens it at once.
const timelineItemsMax = 300000;
const beforeMax = 12;
const newLinesShown = 12;

// Items of these kinds have sections of their own.
const ownSections = new Set(['log', 'artifact', 'series']);

let drawn = 0;

function faultsAt(items, at) {
  return items.filter(({ item }) => item.k === 'fault' && item.b <= at && (item.e < 0 || item.e >= at));
}

function flatten(roots) {
  const all = [];
  const open = [...roots].reverse();
  while (open.length) {
    const node = open.pop();
    all.push(node);
    for (let i = node.children.length - 1; i >= 0; --i) open.push(node.children[i]);
  }
  return all;
}

function failureBlock(failure, all, origin) {
  const inForce = faultsAt(all, failure.at);
  const words = [failure.fatal ? 'fatal' : '', failure.infrastructure ? 'infrastructure' : '', failure.crash ? 'crash' : '']
    .filter(Boolean).join(', ');
  return el('article', { class: 'failure' },
      el('header', {}, el('code', {}, placeText(failure.file, failure.line) || 'no place'),
          el('span', {}, `at ${clockText(failure.at - origin, 1e6)}`), words ? el('span', {}, words) : null),
      cutNote(failure.cut, 'text'), block(failure.text || '', { keepsBeginning: true, label: 'Failure' }),
      failure.source ? sourceBlock(failure.source, failure.line) : null,
      inForce.length ? el('p', { class: 'inforce' }, 'In force: ', inForce.map(({ item }, i) => [i ? '; ' : '',
        el('button', { type: 'button', class: 'link', click: () => go({ item: item.i }) }, item.t),
        ` (for ${duration(failure.at - item.b)})`])) : null);
}

function section(title, content, note = '') {
  if (!content || (Array.isArray(content) && !content.length)) return null;
  return el('section', { class: 'part' }, el('h3', {}, title, note ? el('span', { class: 'note' }, note) : ''), content);
}

function beforeBlock(place) {
  const before = testsBefore(place);
  if (!tests.nodesOf(place).length) return el('p', { class: 'note' }, 'The record names no nodes of this test.');
  if (!before.length) return el('p', { class: 'note' }, 'Nothing: it was the first test on its nodes.');
  const own = new Set(tests.nodesOf(place));
  return [el('ol', { class: 'before', reversed: true }, before.slice(0, beforeMax).map((other) => el('li', {},
      badge(tests.outcome(other), tests.running(other)),
      el('a', { href: linkTo({ test: tests.id(other), item: '', a: '' }) }, tests.title(other)),
      el('span', { class: 'note' }, `ended ${duration(Math.max(0, tests.begin(place) - tests.end(other)))} before, on ` +
          tests.nodesOf(other).filter((node) => own.has(node)).join(' '))))),
  before.length > beforeMax ? el('p', { class: 'note' }, `and ${count(before.length - beforeMax, 'test')} before these`) : null];
}

function attemptTabs(detail, chosen) {
  if (detail.attempts.length < 2) return null;
  return el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Attempts' }, detail.attempts.map((attempt, i) => el('button', {
    type: 'button', role: 'tab', 'aria-selected': String(i === chosen), click: () => go({ a: i + 1, item: '' }) },
  badge(attempt.outcome, attempt.running), ` attempt ${attempt.number}`, attempt.repeat > 1 ? ` of repeat ${attempt.repeat}` : '',
  isMerged() ? ` in ${run.runs[attempt.run].label}` : '')));
}

function facts(place, detail, attempt) {
  return pairs([
    ['run', isMerged() ? run.runs[attempt.run].label : ''], ['component', tests.component(place)], ['declared at', placeText(detail.file, detail.line)],
    ['owner', tests.owner(place)], ['labels', tests.labels(place).split(' ').filter(Boolean).map((label) => '@' + label).join(' ')],
    ['requirements', detail.requirements.join(' ')], ['nodes', attempt.nodes.join(' ')], ['program', attempt.program],
    ['began', attempt.b < 0 ? 'not at all' : clockText(attempt.b, 1e6)],
    ['duration', attempt.b < 0 || attempt.e < 0 ? '' : duration(attempt.seconds * 1e9)],
    ...(attempt.property || []).map(({ name, value }) => [name, valueText(value)]),
  ]);
}

// Lines of logs that an earlier green run of the test did not have: the first of those that are equal.
function newLinesBlock({ run: compared, lines, count: all, leftOut }) {
  const element = el('div', { class: 'log newlines' });
  let shown = newLinesShown;
  const row = ([number, node, source, text]) => el('div', { class: 'logline' },
      el('span', { class: 'number', title: `${number} such lines` }, number > 1 ? `${grouped(number)}\u00d7` : ''),
      el('span', { class: 'from', title: source }, [node, source].filter(Boolean).join(' ')), el('code', {}, plain(text)));
  const draw = () => fill(element, lines.slice(0, shown).map(row),
      shown < lines.length && el('button', { class: 'more', type: 'button', click: () => { shown = lines.length; draw(); } },
          `Show ${grouped(lines.length - shown)} more`),
      all > lines.length && el('p', { class: 'note' }, `${grouped(all - lines.length)} more are not in the report.`),
      leftOut ? el('p', { class: 'note' }, `${count(leftOut, 'line')} could not be compared.`) : null);
  draw();
  return section('New in its logs', lines.length ? element : el('p', { class: 'note' }, 'Nothing.'),
      `since its last green run, ${compared}`);
}

function artifactList(all) {
  const found = all.filter(({ item }) => item.art);
  return found.map(({ item }) => el('details', { class: 'item' }, el('summary', {}, el('span', { class: 'what' }, item.t),
      el('span', { class: 'time' }, item.art.bytes !== undefined ? `${grouped(item.art.bytes)} B` : '')), lazily(() => artifactBody(item))));
}

// A place for what is made once its details are opened.
function lazily(make) {
  const place = el('div', { class: 'itembody' });
  queueMicrotask(() => place.parentElement && place.parentElement.addEventListener('toggle', () => {
    if (!place.childElementCount) place.append(make());
  }));
  return place;
}

function outputs(attempt) {
  return (attempt.output || []).map((each) => el('div', { class: 'stream' }, el('h5', {}, each.stream || 'output'),
      cutNote(each.cut, 'text'), block(each.text || '', { label: each.stream })));
}

function timelinePart(place, attempt) {
  if (!run.timelineCount || attempt.b < 0) return null;
  const end = attempt.e < 0 ? run.runs[attempt.run].length : attempt.e;
  const edge = Math.max(1e6, (end - attempt.b) * 0.03);
  const nodes = attempt.nodes.length ? attempt.nodes : null;
  const open = () => new Timeline({ run: attempt.run, nodes, failures: (attempt.failure || []).map(({ at }) => at), window: [attempt.b - edge, end + edge], height: 360 }).element;
  const whole = el('a', { href: linkTo({ v: 'timeline', test: '', item: '', t: `${Math.round(attempt.b - edge)},${Math.round(end + edge)}`,
    sel: `${attempt.b},${end}` }) }, 'whole run');
  if (run.timelineCount <= timelineItemsMax) return section('Timeline', open(), whole);
  const holder = el('div', {});
  holder.append(el('button', { type: 'button', click: () => fill(holder, open()) },
      `Open the timeline (${count(run.timelineCount, 'item')})`));
  return section('Timeline', holder, whole);
}

function header(place) {
  const back = neighbour(-1);
  const next = neighbour(1);
  const move = (to, word, sign) => el('button', { type: 'button', title: word, 'aria-label': word, disabled: to < 0,
    click: () => go({ test: tests.id(to), a: '', item: '' }) }, sign);
  return el('header', { class: 'testhead' },
      el('div', { class: 'steps' }, el('button', { type: 'button', class: 'close', click: () => go({ test: '', item: '', a: '' }) },
          el('span', { 'aria-hidden': 'true' }, '\u00d7 '), 'Close'),
      el('span', { class: 'note' }, positionText()), move(back, 'Previous test (K)', '\u2191'), move(next, 'Next test (J)', '\u2193')),
      el('h2', { tabindex: '-1' }, run.columns.length > 1 && el('span', { class: 'column' }, tests.column(place) || 'no column'), el('span', {}, tests.suite(place), '.'), tests.name(place)),
      el('div', { class: 'verdictline' }, badge(tests.outcome(place), tests.running(place)),
          el('span', { class: 'note' }, tests.begin(place) < 0 ? 'did not begin' : tests.end(place) < 0 ? 'has no end' : duration(tests.seconds(place) * 1e9))));
}

function reasons(detail, attempt) {
  const texts = new Set([detail.because, attempt.because, ...(attempt.skip || []).map((skip) => skip.text)].filter(Boolean));
  const failures = new Set((attempt.failure || []).map((failure) => failure.text));
  return [...texts].filter((text) => !failures.has(text)).map((text) => el('p', { class: 'because' }, plain(text)));
}

export async function showTest(element, place) {
  const mine = ++drawn;
  const detail = await readJson('b', tests.detail(place));
  if (mine !== drawn) return;
  const deciding = detail.attempts.findIndex((attempt) => attempt.outcome === tests.outcome(place));
  const wanted = Number(state.a) - 1;
  const chosen = wanted >= 0 && wanted < detail.attempts.length ? wanted : Math.max(0, deciding);
  const attempt = detail.attempts[chosen];
  const origin = Math.max(0, attempt.b);
  const roots = (attempt.trees || []).flatMap(treeOf);
  const all = flatten(roots);
  const failures = attempt.failure || [];
  const around = failures.length ? failures[0].at : null;
  const logs = all.filter(({ item }) => item.k === 'log');
  const faults = all.filter(({ item }) => item.k === 'fault');
  const steps = roots.filter(({ item, children }) => children.length || !ownSections.has(item.k));
  const tree = el('div', { class: 'tree' }, steps.length ? branch(steps, origin, around) : null);
  const logTree = el('div', { class: 'tree' }, logs.length ? branch(logs, origin, around) : null);
  fill(element, header(place), attemptTabs(detail, chosen), reasons(detail, attempt),
      failures.length ? section(failures.length > 1 ? `${grouped(failures.length)} failures` : 'Failure',
          failures.map((failure) => failureBlock(failure, all, origin))) : null,
      (detail.exonerated || []).map(additionText),
      detail.newLines ? newLinesBlock(detail.newLines) : null,
      timelinePart(place, attempt),
      section('Faults', faults.length ? branch(faults.map((node) => ({ ...node, children: [] })), origin) : null),
      section('Steps and commands', steps.length ? tree : null, `${count(all.length, 'item')}, times since its begin`),
      section('Logs', logs.length ? logTree : null),
      section('Output', outputs(attempt)),
      section('Artifacts', artifactList(all)),
      section('Left out by bounds of the run', (attempt.hidden || []).map((each) =>
        el('p', {}, `${grouped(each.count || 0)} \u00d7 ${each.text || ''}`))),
      section('Further', (attempt.further || []).map(additionText)),
      section('Ran before on the same nodes', beforeBlock(place)),
      section('Facts', facts(place, detail, attempt)));
  element.scrollTop = 0;
  if (state.item) reveal(revealItem(steps, tree, state.item) || revealItem(logs, logTree, state.item));
}

function reveal(found) {
  if (!found) return;
  found.classList.add('found');
  found.scrollIntoView({ block: 'center' });
}
