// Puts the page together and shows what the state says.
import { el, fill, append } from './base.js';
import { run, tests, openData, isMerged } from './data.js';
import { state, go, linkTo, onChange, startState, remembered } from './state.js';
import { makeList, refreshList, showOpened } from './list.js';
import { showTest } from './detail.js';
import { verdict, headline, banners, runPage } from './facts.js';
import { Timeline } from './timeline.js';
import { TimelineTable } from './timeline_table.js';
import { showHelp, startKeys } from './keys.js';

const views = [['', 'Tests'], ['timeline', 'Timeline'], ['run', 'Run']];
const content = document.getElementById('content');
let listPane = null;
let detailPane = null;
let timelinePage = null;

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event('themechange'));
}

function toggleTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme || (dark ? 'dark' : 'light');
  const next = now === 'dark' ? 'light' : 'dark';
  remembered('theme', next);
  setTheme(next);
}

function heading() {
  if (isMerged()) return el('h1', {}, `${run.runs.length} runs`);
  return el('h1', {}, 'Run ', el('code', {}, run.runs[0].id || 'without a name'));
}

function drawTop() {
  fill(document.getElementById('top'),
      el('div', { class: 'title' }, heading(), verdict(),
          el('span', { class: 'grow' }),
          el('button', { type: 'button', class: 'quiet', title: 'Light or dark (T)', click: toggleTheme }, 'Theme'),
          el('button', { type: 'button', class: 'quiet keys', title: 'Keys and filter (?)', click: showHelp }, 'Keys ?')),
      el('p', { class: 'headline' }, headline()), banners(),
      el('nav', { 'aria-label': 'Views' }, views.map(([view, word]) => el('a', { href: linkTo({ v: view, test: '', item: '', a: '' }),
        'aria-current': state.v === view ? 'page' : null, click: (event) => {
          event.preventDefault();
          go({ v: view, test: '', item: '', a: '' });
        } }, word))));
}

function makeTimelinePage() {
  let table = null;
  const timeline = new Timeline({ height: Math.max(260, Math.round(innerHeight * 0.52)), keepsState: true,
    changed: () => table && table.refresh() });
  table = new TimelineTable(timeline, { keepsState: true });
  timeline.ready.then(() => table.refresh());
  return el('section', { class: 'timelinepage', 'aria-label': 'Timeline' }, timeline.element, table.element);
}

async function drawTest() {
  const place = state.test ? tests.find(state.test) : -1;
  content.classList.toggle('hastest', !!state.test && state.v === '');
  if (!state.test) {
    fill(detailPane);
    return;
  }
  if (place < 0) {
    fill(detailPane, el('p', { class: 'note' }, `The run has no test ${state.test}.`));
    return;
  }
  await showTest(detailPane, place).catch((error) =>
    fill(detailPane, el('p', { class: 'note bad' }, `The test cannot be shown: ${error.message}`)));
}

function drawView() {
  content.className = `view-${state.v || 'tests'}`;
  if (state.v === 'timeline') {
    if (!timelinePage) timelinePage = makeTimelinePage();
    content.replaceChildren(timelinePage);
  } else if (state.v === 'run') {
    content.replaceChildren(runPage());
  } else {
    if (!listPane) {
      listPane = makeList();
      detailPane = el('article', { class: 'detailpane', 'aria-label': 'Test', tabindex: '-1' });
    }
    content.replaceChildren(listPane, detailPane);
    refreshList();
    drawTest();
  }
}

function changed(names) {
  if (names.has('v')) {
    drawTop();
    drawView();
    return;
  }
  if (state.v === 'run' && names.has('item')) drawView();
  if (state.v !== '') return;
  if (names.has('q') || names.has('sort')) refreshList();
  if (names.has('test') || names.has('a') || names.has('item')) {
    drawTest();
    showOpened();
  }
}

async function start() {
  const begin = performance.now();
  const theme = remembered('theme');
  if (theme) setTheme(theme);
  startState();
  await openData();
  drawTop();
  drawView();
  onChange(changed);
  startKeys(toggleTheme);
  document.documentElement.dataset.ready = Math.round(performance.now());
  document.documentElement.dataset.opened = Math.round(performance.now() - begin);
}

start().catch((error) => fill(content, el('p', { class: 'banner bad' }, `The report cannot be opened: ${error.message}`)));
