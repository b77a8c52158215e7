// The items of the timeline as a table: those in its window, or in the selection. It is the text of the canvas, and the list
// of commands and log lines of a stretch of the run.
import { el, fill, clockText, duration, grouped, count } from './base.js';
import { run, isMerged, nodeName } from './data.js';
import { state, go } from './state.js';
import { VirtualList } from './virtual_list.js';
import { stateWord } from './timeline.js';

export class TimelineTable {
  constructor(timeline, { keepsState = false } = {}) {
    this.timeline = timeline;
    this.keepsState = keepsState;
    this.kinds = new Set(keepsState && state.k ? state.k.split(',') : []);
    this.words = keepsState ? state.w.toLowerCase() : '';
    this.places = [];
    this.note = el('p', { class: 'note', role: 'status' });
    this.choices = el('div', { class: 'kinds', role: 'group', 'aria-label': 'Kinds of items' });
    this.input = el('input', { type: 'search', placeholder: 'Find in items', 'aria-label': 'Find in items',
      value: this.words, input: () => this.find() });
    this.list = new VirtualList({ label: 'Items of the timeline', rowHeight: 24, role: 'table',
      draw: (place, row) => this.drawRow(place, row),
      open: (place) => this.timeline.frame(this.places[place]) });
    this.element = el('div', { class: isMerged() ? 'itemtable merged' : 'itemtable' },
        el('div', { class: 'tools' }, this.choices, this.input), this.note,
        el('div', { class: 'vhead', 'aria-hidden': 'true' }, ['Time', 'Duration', 'Node', 'Kind', 'Item'].map((word) => el('span', {}, word))),
        this.list.element);
  }

  find() {
    this.words = this.input.value.toLowerCase();
    if (this.keepsState) go({ w: this.words }, true);
    this.refresh();
  }

  toggle(kind) {
    if (!this.kinds.delete(kind)) this.kinds.add(kind);
    if (this.keepsState) go({ k: [...this.kinds].join(',') }, true);
    this.refresh();
  }

  refresh() {
    const { timeline } = this;
    const { slices } = timeline;
    if (!slices) return;
    const [from, to] = timeline.selectedTimes() || timeline.window();
    const shownTracks = new Set(timeline.lanes.map((lane) => lane.track));
    const kindOf = slices.tracks.map((track) => track.lane);
    const all = new Map();
    const places = [];
    for (const place of slices.byTime()) {
      if (slices.begin[place] > to) break;
      const track = slices.trackOf[place];
      if (slices.end[place] < from || !shownTracks.has(track)) continue;
      const kind = kindOf[track];
      all.set(kind, (all.get(kind) || 0) + 1);
      if (this.kinds.size && !this.kinds.has(kind)) continue;
      if (this.words && !slices.textOf(place).toLowerCase().includes(this.words)) continue;
      places.push(place);
    }
    this.places = places;
    for (const kind of this.kinds) if (!all.has(kind)) all.set(kind, 0);
    fill(this.choices, [...all].map(([kind, number]) => el('button', { type: 'button', class: 'chip',
      'aria-pressed': String(this.kinds.has(kind)), click: () => this.toggle(kind) }, kind, ' ', el('b', {}, grouped(number)))));
    fill(this.note, `${count(places.length, 'item')} ${timeline.selection ? 'in the selection' : 'in the window'}`,
        run.linesWithoutTime ? ` \u00b7 ${count(run.linesWithoutTime, 'log line')} of the run without a readable time ` +
            `${run.linesWithoutTime === 1 ? 'is' : 'are'} on the pages of tests only` : '',
        run.linesWithoutZone ? ` \u00b7 ${count(run.linesWithoutZone, 'log line')} without a zone ` +
            `${run.linesWithoutZone === 1 ? 'is' : 'are'} at the local time of the node, or else at UTC` : '',
        run.linesCut ? ` \u00b7 ${count(run.linesCut, 'log line')} left out` : '');
    this.list.reset(places.length);
  }

  drawRow(place, row) {
    const { slices } = this.timeline;
    const item = this.places[place];
    const track = slices.tracks[slices.trackOf[item]];
    const word = stateWord(slices.state[item]);
    const bad = slices.state[item] === 1 || word === 'failed' || word === 'crashed';
    const cell = (name, text) => el('span', { role: 'cell', class: name }, text);
    fill(row, cell('at', clockText(slices.begin[item], 1e3)),
        cell('length', slices.isInstant(item) ? '' : duration(slices.end[item] - slices.begin[item])),
        cell('node', track.group >= 0 ? nodeName(track.group) : isMerged() ? run.runs[track.run].label : ''),
        cell('kind', track.lane), cell(bad ? 'what bad' : 'what', [slices.textOf(item), word ? el('i', {}, word) : '']));
  }
}
