// The keys of the page, and the dialog that lists them.
import { el, fill } from './base.js';
import { tests } from './data.js';
import { state, go } from './state.js';
import { focusFilter, focusList, neighbour } from './list.js';

const help = [
  ['Everywhere', [['1 2 3', 'tests, timeline, run'], ['/', 'filter'], ['J K', 'next and previous test within the filter'],
    ['L', 'list of tests'], ['Esc', 'close the test'], ['T', 'light or dark'], ['?', 'this list']]],
  ['List', [['\u2191 \u2193', 'move'], ['Page Up, Page Down, Home, End', 'move far'], ['Enter', 'open a test, fold a group']]],
  ['Timeline', [['W S', 'zoom in and out; also Ctrl and wheel, or two fingers'], ['A D', 'move; also drag, or Shift and wheel'],
    ['O', 'clock or order'], ['X', 'select what is shown, or nothing; also drag in the ruler'], ['N P', 'next and previous item of the lane'],
    ['F', 'zoom to the item; also double click'], ['Enter', 'open the item'], ['0', 'show all']]],
  ['Filter', [['word "two words"', 'in the name or the first error'], ['s:failed', 'outcome; s:bad for all that is not green'],
    ['c:kv', 'component'], ['n:server1', 'node'], ['o:name', 'owner'], ['r:debian12', 'run, or column of several runs'], ['@label', 'label'], ['!term', 'not']]],
];

export function showHelp() {
  const dialog = document.getElementById('help');
  fill(dialog, el('div', { class: 'helphead' }, el('h2', { id: 'help-title' }, 'Keys and filter'),
      el('button', { type: 'button', click: () => dialog.close() }, 'Close')),
  el('div', { class: 'helpbody' }, help.map(([title, rows]) => el('section', {}, el('h3', {}, title),
      el('dl', {}, rows.map(([keys, text]) => [el('dt', {}, el('kbd', {}, keys)), el('dd', {}, text)]))))));
  dialog.showModal();
}

function moveTest(step) {
  const next = neighbour(step);
  if (next >= 0) go({ v: '', test: tests.id(next), a: '', item: '' });
}

export function startKeys(toggleTheme) {
  const actions = {
    '?': showHelp, '/': () => { go({ v: '' }); focusFilter(); }, 1: () => go({ v: '' }), 2: () => go({ v: 'timeline', test: '', item: '' }),
    3: () => go({ v: 'run', test: '', item: '' }), j: () => moveTest(1), k: () => moveTest(-1), t: toggleTheme,
    l: () => { go({ v: '' }); focusList(); }, Escape: () => { if (state.test) go({ test: '', item: '', a: '' }); },
  };
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById('help').open) return;
    if (event.target.matches('input, select, textarea')) {
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
