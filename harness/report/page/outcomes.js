// What can become of a test: its word, its shape, and its place in an order of interest.
import { el } from './base.js';

// In the order of harness/run/outcome.h. `group` gives the colour, `rank` the order of the list.
export const outcomes = [
  { word: 'passed', group: 'pass', rank: 9, shape: 'check' },
  { word: 'failed', group: 'fail', rank: 0, shape: 'cross' },
  { word: 'crashed', group: 'fail', rank: 0, shape: 'bolt' },
  { word: 'timed out', group: 'fail', rank: 0, shape: 'clock' },
  { word: 'infrastructure', group: 'infra', rank: 2, shape: 'diamond' },
  { word: 'skipped', group: 'calm', rank: 8, shape: 'dash' },
  { word: 'cancelled', group: 'infra', rank: 3, shape: 'stop' },
  { word: 'not run', group: 'infra', rank: 4, shape: 'ring' },
  { word: 'flaky', group: 'warn', rank: 5, shape: 'half' },
  { word: 'waived', group: 'warn', rank: 6, shape: 'hollow' },
  { word: 'unexpectedly passed', group: 'warn', rank: 5, shape: 'triangle' },
  { word: 'polluted', group: 'fail', rank: 1, shape: 'halfsquare' },
];

// Paths in a square of 12. Each outcome differs by its outline, not only by its colour.
const shapes = {
  check: ['M2.2 6.4 4.9 9 9.9 3.2', 'line'],
  cross: ['M2.6 2.6 9.4 9.4M9.4 2.6 2.6 9.4', 'line'],
  bolt: ['M6 .8 11.6 11H.4zM5.4 4.4v3.2h1.2V4.4zM5.4 8.4v1.3h1.2V8.4z', 'fill'],
  clock: ['M6 1.2a4.8 4.8 0 1 0 .01 0M6 3.4V6.2L8 7.6', 'line'],
  diamond: ['M6 .6 11.4 6 6 11.4 .6 6z', 'fill'],
  dash: ['M2.2 6H9.8', 'line'],
  stop: ['M2 2H10V10H2z', 'line'],
  ring: ['M6 1.6a4.4 4.4 0 1 0 .01 0', 'line'],
  half: ['M6 1.2a4.8 4.8 0 1 0 .01 0zM6 1.2v9.6a4.8 4.8 0 0 0 0-9.6z', 'both'],
  hollow: ['M6 1.2 10.8 6 6 10.8 1.2 6z', 'line'],
  triangle: ['M6 1.8 10.6 10H1.4z', 'line'],
  halfsquare: ['M2 2H10V10H2zM2 10 10 2V10z', 'both'],
};

export function icon(shape) {
  const space = 'http://www.w3.org/2000/svg';
  const [d, kind] = shapes[shape];
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 12 12');
  svg.setAttribute('class', `icon ${kind}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', d);
  if (kind === 'fill') path.setAttribute('fill-rule', 'evenodd');
  svg.append(path);
  return svg;
}

// The shape and the word.
export function badge(outcome, running) {
  const { word, group, shape } = outcomes[outcome];
  if (running) return el('span', { class: 'badge calm', title: 'running' }, icon('clock'), el('span', {}, 'running'));
  return el('span', { class: `badge ${group}`, title: word }, icon(shape), el('span', {}, word));
}

export function isBad(outcome) {
  return outcomes[outcome].rank <= 4;
}
