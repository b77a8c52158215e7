// The runs of the report, which are mostly one: their facts, and their tests by columns.
import { readJson } from './blocks.js';

export let run = null;
export let tests = null;

class Tests {
  constructor({ strings, columns }) {
    this.columns = columns;
    this.strings = strings;
    this.count = columns.outcome ? columns.outcome.length : 0;
    for (const name of ['component', 'suite', 'name', 'error', 'labels', 'nodes', 'owner', 'column']) {
      this[name] = (place) => strings[columns[name][place]];
    }
    for (const name of ['outcome', 'running', 'seconds', 'begin', 'end', 'attempts', 'detail', 'run']) {
      this[name] = (place) => columns[name][place];
    }
    this.places = new Map();
    for (let i = 0; i < this.count; ++i) this.places.set(this.id(i), i);
  }

  id(place) {
    const component = this.component(place);
    return `${columnPrefix(this.column(place))}${component ? component + '/' : ''}${this.suite(place)}.${this.name(place)}`;
  }

  title(place) {
    return `${this.suite(place)}.${this.name(place)}`;
  }

  find(id) {
    const place = this.places.get(id);
    return place === undefined ? -1 : place;
  }

  nodesOf(place) {
    const text = this.nodes(place);
    return text ? text.split(' ') : [];
  }
}

// A test of several columns, such as topologies, has its column before its name.
function columnPrefix(column) {
  return run.columns.length > 1 && column ? column + '/' : '';
}

// Several runs stand in the report: names of nodes need those of their runs.
export function isMerged() {
  return run.runs.length > 1;
}

// "server1", or "debian12 server1".
export function nodeName(place) {
  const node = run.nodes[place];
  return (isMerged() ? run.runs[node.run].label + ' ' : '') + node.name;
}

export async function openData() {
  const length = Number(document.documentElement.dataset.indexBytes);
  const all = await readJson('i', [0, 0, length]);
  run = all.run;
  run.length = Math.max(...run.runs.map((each) => each.length));
  tests = new Tests(all);
}

// The tests that began before this one on nodes that it had, the latest first.
export function testsBefore(place) {
  const nodes = new Set(tests.nodesOf(place));
  const begin = tests.begin(place);
  if (!nodes.size || begin < 0) return [];
  const before = [];
  for (let i = 0; i < tests.count; ++i) {
    const other = tests.begin(i);
    if (i === place || tests.run(i) !== tests.run(place) || other < 0 || other >= begin) continue;
    if (tests.nodesOf(i).some((node) => nodes.has(node))) before.push(i);
  }
  return before.sort((one, other) => tests.begin(other) - tests.begin(one));
}
