// The list of tests: failures first, those with the same first error together.
import { el, fill, count, duration, announce, grouped } from './base.js';
import { outcomes, badge, icon, isBad } from './outcomes.js';
import { run, tests, isMerged } from './data.js';
import { filterTests, withTerm, hasTerm, quotedTerm } from './filter.js';
import { state, go, linkTo } from './state.js';
import { VirtualList } from './virtual_list.js';

const orders = {
  '': (one, other) => rankOf(one) - rankOf(other) || byTitle(one, other) || one - other,
  name: (one, other) => tests.id(one).localeCompare(tests.id(other)),
  duration: (one, other) => tests.seconds(other) - tests.seconds(one),
  start: (one, other) => tests.begin(one) - tests.begin(other),
};
const orderWords = { '': 'failures first', name: 'name', duration: 'duration', start: 'start' };

let view = null;
let rows = [];
let shown = [];
const folded = new Set();

// A test of several columns stands together, and the order of one run stays.
function byTitle(one, other) {
  if (run.columns.length < 2) return 0;
  const [first, second] = [tests.title(one), tests.title(other)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function rankOf(place) {
  return tests.running(place) ? 4.5 : outcomes[tests.outcome(place)].rank;
}

function errorKey(place) {
  return `${tests.outcome(place)} ${tests.error(place)}`;
}

// Rows are { test } or { error, text, tests }: the head of those that share outcome and first error.
function makeRows() {
  shown = filterTests(state.q).sort(orders[state.sort] || orders['']);
  if (state.sort) {
    rows = shown.map((test) => ({ test }));
    return;
  }
  const byError = new Map();
  for (const test of shown) {
    if (!isBad(tests.outcome(test)) || !tests.error(test)) continue;
    const error = errorKey(test);
    if (!byError.has(error)) byError.set(error, []);
    byError.get(error).push(test);
  }
  rows = [];
  for (const test of shown) {
    const error = errorKey(test);
    const group = isBad(tests.outcome(test)) ? byError.get(error) : null;
    if (!group || group.length < 2) {
      rows.push({ test });
      continue;
    }
    if (group[0] !== test) continue;
    rows.push({ error, text: tests.error(test), tests: group });
    if (!folded.has(error)) for (const each of group) rows.push({ test: each, isGrouped: true });
  }
}

// The tests in the order in which the list shows them.
export function shownTests() {
  return state.sort ? shown : rows.flatMap((row) => row.tests || (row.isGrouped ? [] : [row.test]));
}

function drawGroup(row, element) {
  const isFolded = folded.has(row.error);
  element.className = 'vrow group';
  element.setAttribute('aria-expanded', !isFolded);
  fill(element, el('span', { class: 'fold', 'aria-hidden': 'true' }, isFolded ? '\u25b8' : '\u25be'),
      el('span', { class: 'groupcount' }, count(row.tests.length, 'test')),
      el('span', { class: 'error', title: row.text }, row.text));
}

function drawTestRow(row, element) {
  const { test, isGrouped } = row;
  const outcome = tests.outcome(test);
  const labels = tests.labels(test) ? tests.labels(test).split(' ') : [];
  element.className = `vrow test${isGrouped ? ' grouped' : ''}${state.test === tests.id(test) ? ' open' : ''}`;
  const showsError = tests.error(test) && !isGrouped && outcome !== 0;
  fill(element, badge(outcome, tests.running(test)),
      el('span', { class: 'name' },
          run.columns.length > 1 && el('span', { class: 'column' }, tests.column(test) || 'no column'),
          el('span', { class: 'component' }, tests.component(test) ? tests.component(test) + ' / ' : ''),
          el('span', { class: 'suite' }, tests.suite(test), '.'), el('b', {}, tests.name(test)),
          labels.map((label) => el('span', { class: 'label' }, '@' + label))),
      showsError && el('span', { class: 'error', title: tests.error(test) }, tests.error(test)),
      tests.attempts(test) > 1 && el('span', { class: 'attempts' }, `${tests.attempts(test)} attempts`),
      el('span', { class: 'time' }, tests.begin(test) < 0 ? '\u2013' : tests.end(test) < 0 ? 'no end' : duration(tests.seconds(test) * 1e9)));
}

function drawRow(place, element) {
  const row = rows[place];
  if (row.tests) drawGroup(row, element);
  else drawTestRow(row, element);
}

function openRow(place) {
  const row = rows[place];
  if (!row.tests) {
    go({ test: tests.id(row.test), a: '', item: '', t: '', sel: '' });
    return;
  }
  if (!folded.delete(row.error)) folded.add(row.error);
  refreshList();
}

function counters() {
  const counts = new Array(outcomes.length).fill(0);
  let running = 0;
  for (let i = 0; i < tests.count; ++i) {
    if (tests.running(i)) ++running;
    else ++counts[tests.outcome(i)];
  }
  const order = outcomes.map((_, i) => i).sort((one, other) => outcomes[one].rank - outcomes[other].rank);
  const button = (term, content, group) => el('button', { type: 'button', class: `counter ${group}`,
    'aria-pressed': String(hasTerm(state.q, term)), click: () => go({ q: withTerm(onlyOutcome(term), term) }) },
  content);
  return el('div', { class: 'counters', role: 'group', 'aria-label': 'Tests by outcome' },
      el('button', { type: 'button', class: 'counter all', 'aria-pressed': String(!/(^| )s:/.test(state.q)),
        click: () => go({ q: onlyOutcome('') }) }, el('b', {}, grouped(tests.count)), ' ',
      tests.count === 1 ? 'test' : 'tests'),
      order.filter((i) => counts[i]).map((i) => button(quotedTerm('s:', outcomes[i].word),
          [icon(outcomes[i].shape), el('b', {}, grouped(counts[i])), ' ' + outcomes[i].word], outcomes[i].group)),
      running ? button('s:running', [icon('clock'), el('b', {}, grouped(running)), ' running'], 'calm') : null);
}

// The filter without its outcomes, but for the term that is pressed.
function onlyOutcome(term) {
  let query = state.q;
  for (const other of query.match(/!?s:(?:"[^"]*"?|\S+)/g) || []) {
    if (other !== term) query = withTerm(query, other);
  }
  return query;
}

function isNarrow() {
  return matchMedia('(max-width: 720px)').matches;
}

export function makeList() {
  const input = el('input', { id: 'filter', type: 'search', autocomplete: 'off', spellcheck: 'false',
    placeholder: 'Filter: words  s:failed  c:component  n:node  @label  !not', 'aria-label': 'Filter the tests',
    input: () => go({ q: input.value }, true) });
  const sort = el('select', { 'aria-label': 'Order', change: () => go({ sort: sort.value }) },
      Object.entries(orderWords).map(([value, word]) => el('option', { value }, word)));
  const bar = el('div', { class: 'bar' });
  const note = el('p', { class: 'note shown' });
  const list = new VirtualList({ label: 'Tests', rowHeight: 28, draw: drawRow, open: openRow });
  const element = el('section', { class: 'listpane', 'aria-label': 'Tests' },
      bar, el('div', { class: 'filterbar' }, input, sort), note, list.element);
  view = { input, sort, bar, note, list, element };
  matchMedia('(max-width: 720px)').addEventListener('change', refreshList);
  refreshList();
  return element;
}

export function refreshList() {
  if (!view) return;
  makeRows();
  if (view.input.value !== state.q) view.input.value = state.q;
  view.sort.value = state.sort;
  fill(view.bar, counters());
  const told = shown.length === tests.count ? '' : `${grouped(shown.length)} of ${count(tests.count, 'test')} shown`;
  view.note.textContent = told || (tests.count ? '' : isMerged() ? 'The runs have no tests.' : 'The run has no tests.');
  announce(told || count(tests.count, 'test'));
  view.list.reset(rows.length, isNarrow() ? 46 : 28);
  showOpened();
}

// Marks the row of the test that is open.
export function showOpened() {
  const at = rows.findIndex((row) => row.test !== undefined && tests.id(row.test) === state.test);
  for (const [place, row] of view.list.rows) row.classList.toggle('open', place === at);
  if (at >= 0) view.list.select(at);
}

export function focusFilter() {
  view.input.focus();
  view.input.select();
}

export function focusList() {
  view.list.element.focus();
}

// The test before (-1) or behind (1) the one that is open, within the filter.
export function neighbour(step) {
  const order = shownTests();
  const at = order.findIndex((test) => tests.id(test) === state.test);
  if (at < 0) return order.length ? order[0] : -1;
  const next = at + step;
  return next >= 0 && next < order.length ? order[next] : -1;
}

export function positionText() {
  const order = shownTests();
  const at = order.findIndex((test) => tests.id(test) === state.test);
  return at < 0 ? 'not within the filter' : `${grouped(at + 1)} of ${grouped(order.length)}`;
}
