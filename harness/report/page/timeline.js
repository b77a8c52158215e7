// The timeline: lanes for tests, faults, each node, and the rest, with zoom and selection. It draws by timeline_draw.js,
// and its table (timeline_table.js) has the same items as text.
import { el, fill, clockText, duration, announce, count, grouped } from './base.js';
import { outcomes } from './outcomes.js';
import { run, tests, isMerged, nodeName } from './data.js';
import { openSlices, firstAtLeast } from './slices.js';
import { Scale } from './scale.js';
import { Painter, rulerHeight, plotNote, errorNote } from './timeline_draw.js';
import { state, go, remembered } from './state.js';

// Groups that are none of a node. Each run has them.
const testsGroup = -1;
const faultsGroup = -2;
const otherGroup = -3;
// From top to bottom within a group. Other kinds come before the log, and the node's own life last.
const laneOrder = ['tests', 'steps', 'connection', 'commands', 'calls', 'waits', 'services'];
const lastLanes = ['programs', 'log', 'node'];
const lastingLanes = new Set(['programs', 'node']);
const laneTitles = { faults: '', node: 'in use' };
const laneHeights = { log: 16, node: 16, connection: 16 };
const tipElement = () => document.getElementById('tip');

export class Timeline {
  // `run`: only this one, by its place. `nodes`: only these, with what belongs to no node. `failures`: their times, to be marked.
  // `window`: what is shown at first. `height`: of the canvas, at most.
  constructor({ run: only = null, nodes = null, failures = [], window: first = null, height = 560, changed = () => {}, keepsState = false }) {
    Object.assign(this, { only, nodes, failures, first, heightMax: height, changed, keepsState });
    this.chosen = -1;
    this.top = 0;
    this.folded = new Set();
    this.canvas = el('canvas', { role: 'img', tabindex: '0', class: 'lanes',
      'aria-label': `Timeline${failures.length ? ' with ' + count(failures.length, 'failure') : ''}. The table of items has the same as text. ` +
          'W and S zoom, A and D move, X selects.' });
    this.space = el('div', { class: 'lanespace', role: 'presentation' });
    this.scroller = el('div', { class: 'lanebox' }, this.canvas, this.space);
    this.info = el('div', { class: 'sliceinfo', 'aria-live': 'polite' });
    this.modeButton = el('button', { type: 'button', click: () => this.toggleMode() });
    this.element = el('div', { class: 'timeline' },
        el('div', { class: 'tools' },
            el('button', { type: 'button', title: 'Zoom in (W)', 'aria-label': 'Zoom in', click: () => this.zoom(0.5) }, '+'),
            el('button', { type: 'button', title: 'Zoom out (S)', 'aria-label': 'Zoom out', click: () => this.zoom(2) }, '\u2212'),
            el('button', { type: 'button', title: 'Show all (0)', click: () => this.showAll() }, 'All'),
            this.modeButton, this.range = el('span', { class: 'range' })),
        this.scroller, this.info);
    this.ready = this.start();
  }

  async start() {
    fill(this.info, 'Opening the timeline\u2026');
    this.slices = await openSlices();
    this.isOrder = state.m === 'order';
    this.low = Math.min(0, this.slices.count ? this.slices.begin.reduce((least, each) => each < least ? each : least, 0) : 0);
    this.scale = new Scale(this.low, run.length);
    this.makeLanes();
    this.painter = new Painter(this.canvas);
    this.setMode();
    const wanted = this.keepsState && state.t ? state.t.split(',').map(Number) : this.first;
    if (wanted && wanted.every(Number.isFinite)) this.showTimes(wanted[0], wanted[1]);
    if (this.keepsState && state.sel) this.selection = state.sel.split(',').map(Number);
    if (this.selection && !this.selection.every(Number.isFinite)) this.selection = null;
    this.listen();
    this.showHint();
    this.resize();
    this.changed();
  }

  // Which tracks become lanes, from top to bottom.
  makeLanes() {
    const { tracks, head } = this.slices;
    const keyOf = (place, group) => `${place} ${group}`;
    const groups = new Map();
    tracks.forEach((track, place) => {
      const key = keyOf(track.run, track.group);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(place);
    });
    for (const { node } of head.plots) {
      const key = keyOf(run.nodes[node].run, node);
      if (!groups.has(key)) groups.set(key, []);
    }
    const wantsNode = (group) => group < 0 || !this.nodes || this.nodes.includes(run.nodes[group].name);
    this.lanes = [];
    let y = 0;
    const add = (lane) => {
      this.lanes.push({ ...lane, y });
      y += lane.height;
    };
    this.bounds = new Map();
    run.runs.forEach((each, place) => {
      if (this.only !== null && this.only !== place) return;
      if (isMerged() && this.only === null) add({ kind: 'run', height: 24, title: each.label });
      const ofRun = run.nodes.map((_, i) => i).filter((i) => run.nodes[i].run === place);
      for (const group of [testsGroup, faultsGroup, ...ofRun, otherGroup]) {
        if (!groups.has(keyOf(place, group)) || !wantsNode(group)) continue;
        const from = y;
        this.addGroup(group, groups.get(keyOf(place, group)), add);
        this.bounds.set(group, [from, y - from]);
      }
    });
    this.height = y + 6;
    this.faults = head.faults.map((fault) => ({ ...fault,
      bands: fault.nodes.map((node) => this.bounds.get(node)).filter(Boolean) }));
  }

  addGroup(group, places, add) {
    const { tracks, head } = this.slices;
    const node = group >= 0 ? run.nodes[group] : null;
    const title = node ? node.name : { [testsGroup]: 'Tests', [faultsGroup]: 'Faults', [otherGroup]: 'Other' }[group];
    const clocks = node ? node.clocks || [] : [];
    const errorAt = (time) => {
      let error = clocks.length ? clocks[0][2] : 0;
      for (const clock of clocks) if (clock[0] <= time) error = clock[2];
      return error;
    };
    add({ kind: 'head', height: 20, title, note: errorNote(clocks), clocks, group });
    let last = '';
    const rankOf = (place) => {
      const { lane } = tracks[place];
      const last = lastLanes.indexOf(lane);
      if (last >= 0) return 100 + last;
      const first = laneOrder.indexOf(lane);
      return first >= 0 ? first : 50;
    };
    // What holds for longer than a test says nothing in its own timeline.
    const isShown = (place) => this.only === null || !lastingLanes.has(tracks[place].lane);
    for (const place of places.filter(isShown).sort((one, other) => rankOf(one) - rankOf(other) || one - other)) {
      const track = tracks[place];
      const isTicks = track.lane === 'log';
      add({ kind: isTicks ? 'ticks' : 'bars', height: laneHeights[track.lane] || 18, track: place, group, errorAt,
        isFault: group === faultsGroup,
        title: track.lane === last ? '' : laneTitles[track.lane] ?? track.lane, note: track.row === 7 ? 'overlaps' : '' });
      last = track.lane;
    }
    for (const plot of head.plots.filter((each) => each.node === group)) {
      plot.high = Math.max(0, ...plot.points.map((point) => point[1]));
      add({ kind: 'plot', height: 30, plot, group, title: plot.name, note: plotNote(plot) });
    }
  }

  // The stretch that is shown stays; without one it is all of the run.
  setMode(times = null) {
    const { slices } = this;
    this.mode = this.isOrder ? slices.ranked() : slices.clock;
    slices.prepare(this.mode);
    if (this.isOrder) this.scale.bound(0, Math.max(1, slices.stamps.length - 1));
    else this.scale.bound(this.low, run.length);
    if (times) this.showTimes(times[0], times[1]);
    else this.scale.set(this.scale.low, this.scale.high, 1);
    this.modeButton.textContent = this.isOrder ? 'Order' : 'Clock';
    this.modeButton.title = this.isOrder ? 'Distances are ranks: order and overlap are exact (O)' : 'Distances are times (O)';
    this.modeButton.setAttribute('aria-label', `Time mode: ${this.modeButton.textContent}`);
  }

  toggleMode() {
    const selected = this.selectedTimes();
    const times = this.window();
    this.isOrder = !this.isOrder;
    this.setMode(times);
    this.selection = selected ? selected.map((time) => this.valueOf(time)) : null;
    if (this.keepsState) go({ m: this.isOrder ? 'order' : '' }, true);
    announce(`Time mode: ${this.isOrder ? 'order' : 'clock'}`);
    this.moved();
  }

  valueOf(time) {
    return this.isOrder ? this.slices.rankOf(time) : time;
  }

  timeOf(value) {
    return this.isOrder ? this.slices.timeOfRank(value) : value;
  }

  // The times at the edges.
  window() {
    return this.mode ? [this.timeOf(this.scale.t0), this.timeOf(this.scale.t1)] : [this.low, run.length];
  }

  selectedTimes() {
    return this.selection ? this.selection.map((value) => this.timeOf(value)) : null;
  }

  showTimes(from, to) {
    this.scale.set(this.valueOf(from), this.valueOf(to), this.isOrder ? 2 : 100);
    this.moved();
  }

  showAll() {
    this.scale.set(this.scale.low, this.scale.high, 1);
    this.moved();
  }

  zoom(factor, x = this.scale.left + this.scale.width / 2) {
    const { scale } = this;
    const middle = scale.value(x);
    const span = (scale.t1 - scale.t0) * factor;
    const part = (middle - scale.t0) / (scale.t1 - scale.t0);
    scale.set(middle - span * part, middle + span * (1 - part), this.isOrder ? 2 : 100);
    this.moved();
  }

  pan(pixels) {
    const { scale } = this;
    const by = pixels * scale.perPixel();
    scale.set(scale.t0 + by, scale.t1 + by, 1);
    this.moved();
  }

  // The window or the selection is another: draw, and tell the table and the address once it rests.
  moved() {
    this.schedule();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      const [from, to] = this.window().map(Math.round);
      const selected = this.selectedTimes();
      if (this.keepsState && this.painted) {
        go({ t: `${from},${to}`, sel: selected ? selected.map(Math.round).join(',') : '' }, true);
      }
      this.changed();
    }, 160);
  }

  schedule() {
    if (this.waits || !this.painter) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.paint();
    });
  }

  resize() {
    const width = this.scroller.clientWidth;
    if (!width || !this.scale) return;
    const height = Math.min(this.heightMax, this.height + rulerHeight);
    this.scroller.style.height = `${height}px`;
    this.space.style.height = `${Math.max(0, this.height + rulerHeight - height)}px`;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    this.canvas.width = width * this.ratio;
    this.canvas.height = height * this.ratio;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.viewHeight = height;
    this.scale.left = width < 560 ? 92 : 156;
    this.scale.width = Math.max(10, width - this.scale.left);
    this.schedule();
  }

  paint() {
    // A timeline that was left before its items were read has no size. `resize()` paints it when it is shown again.
    if (!this.ratio) return;
    this.painter.draw({ slices: this.slices, mode: this.mode, scale: this.scale, lanes: this.lanes, top: this.top,
      height: this.viewHeight, ratio: this.ratio, faults: this.faults, isOrder: this.isOrder, chosen: this.chosen,
      selection: this.selection, failures: this.failures.map((time) => this.valueOf(time)),
      textOf: (place) => this.labelOf(place) });
    if (!this.painted) {
      document.documentElement.dataset.timeline = 'ready';
      document.documentElement.dataset.timelineReady = Math.round(performance.now());
    }
    this.painted = true;
    const [from, to] = this.selectedTimes() || this.window();
    this.range.textContent = `${this.selection ? 'Selected ' : ''}${clockText(from, (to - from) / 100)} \u2013 ` +
        `${clockText(to, (to - from) / 100)}  (${duration(to - from)})`;
  }

  labelOf(place) {
    const text = this.slices.textOf(place);
    // A test's own lane names the test alone.
    return this.slices.state[place] >= 16 ? text.replace(/^.*\//, '') : text;
  }

  listen() {
    const { canvas, scroller } = this;
    new ResizeObserver(() => this.resize()).observe(scroller);
    scroller.addEventListener('scroll', () => {
      this.top = scroller.scrollTop;
      this.schedule();
    });
    canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('dblclick', (event) => this.doubleClick(event));
    canvas.addEventListener('pointermove', (event) => this.hover(event));
    canvas.addEventListener('pointerleave', () => { tipElement().hidden = true; });
    this.pointers = new Map();
    canvas.addEventListener('pointerdown', (event) => this.pointerDown(event));
    canvas.addEventListener('pointermove', (event) => this.pointerMove(event));
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, (event) => this.pointerUp(event));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.restyle());
    addEventListener('themechange', () => this.restyle());
  }

  restyle() {
    this.painter = new Painter(this.canvas);
    this.schedule();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  wheel(event) {
    const [x, y] = this.point(event);
    if (event.ctrlKey || event.altKey || y < rulerHeight) {
      this.zoom(Math.exp(event.deltaY * 0.0022), x);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.pan(event.deltaX || event.deltaY);
    } else {
      return;
    }
    event.preventDefault();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = this.scale.width / (event.shiftKey ? 3 : 12);
    const actions = {
      w: () => this.zoom(0.8), s: () => this.zoom(1.25), '+': () => this.zoom(0.5), '-': () => this.zoom(2),
      a: () => this.pan(-step), d: () => this.pan(step), ArrowLeft: () => this.pan(-step), ArrowRight: () => this.pan(step),
      ArrowDown: () => this.scroller.scrollBy(0, 36), ArrowUp: () => this.scroller.scrollBy(0, -36),
      0: () => this.showAll(), o: () => this.toggleMode(), x: () => this.select(this.selection ? null : [this.scale.t0, this.scale.t1]),
      Escape: () => this.select(null), n: () => this.step(1), p: () => this.step(-1), Enter: () => this.openChosen(),
      f: () => this.frame(),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }

  // Drags in the ruler select, drags below it move; two fingers zoom.
  pointerDown(event) {
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.point(event);
    this.pointers.set(event.pointerId, [x, y]);
    this.drag = { x, y, t: this.scale.value(x), selects: y < rulerHeight || event.shiftKey, moved: false,
      touch: event.pointerType === 'touch', scroll: this.scroller.scrollTop };
  }

  pointerMove(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const [x, y] = this.point(event);
    const old = this.pointers.get(event.pointerId);
    if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const before = Math.abs(old[0] - other[0]);
      const after = Math.abs(x - other[0]);
      if (before > 8 && after > 8) this.zoom(before / after, (x + other[0]) / 2);
      this.drag.moved = true;
    } else if (this.drag && (this.drag.moved || Math.abs(x - this.drag.x) + Math.abs(y - this.drag.y) > 4)) {
      this.drag.moved = true;
      if (this.drag.selects) {
        const ends = [this.drag.t, this.scale.value(x)];
        this.selection = [Math.min(...ends), Math.max(...ends)];
        this.moved();
      } else {
        this.pan(old[0] - x);
        if (!this.drag.touch) this.scroller.scrollTop += old[1] - y;
      }
    }
    this.pointers.set(event.pointerId, [x, y]);
  }

  pointerUp(event) {
    const { drag } = this;
    this.pointers.delete(event.pointerId);
    if (!drag || drag.moved || event.type === 'pointercancel') return;
    const [x, y] = this.point(event);
    if (y < rulerHeight) this.select(null);
    else this.choose(this.find(x, y));
  }

  doubleClick(event) {
    const place = this.find(...this.point(event));
    if (place >= 0) this.frame(place);
    else this.showAll();
  }

  laneAt(y) {
    const at = y - rulerHeight + this.top;
    return this.lanes.find((lane) => at >= lane.y && at < lane.y + lane.height);
  }

  // The item at a point, or the nearest one within some pixels; -1: there is none.
  find(x, y) {
    const lane = y < rulerHeight || x < this.scale.left ? null : this.laneAt(y);
    if (!lane || lane.track === undefined) return -1;
    const track = this.slices.tracks[lane.track];
    const value = this.scale.value(x);
    const near = 4 * this.scale.perPixel();
    const { x0, x1 } = this.mode;
    let best = -1;
    let least = near;
    const last = firstAtLeast(x0, value + near, track.from, track.to);
    for (let i = last - 1; i >= track.from && i >= last - 2000; --i) {
      const away = value < x0[i] ? x0[i] - value : value > x1[i] ? value - x1[i] : 0;
      if (away < least) {
        least = away;
        best = i;
      }
      if (away === 0) break;
    }
    return best;
  }

  hover(event) {
    const tip = tipElement();
    const [x, y] = this.point(event);
    const place = this.pointers.size ? -1 : this.find(x, y);
    const lane = place < 0 ? this.laneAt(y) : null;
    this.canvas.style.cursor = y < rulerHeight ? 'col-resize' : place >= 0 ? 'pointer' : 'grab';
    if (place < 0) {
      tip.hidden = true;
      return;
    }
    fill(tip, el('b', {}, this.labelOf(place)), el('span', {}, this.words(place)));
    tip.hidden = false;
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10
      : event.clientY + 18}px`;
    return lane;
  }

  words(place) {
    const { slices } = this;
    const track = slices.tracks[slices.trackOf[place]];
    const at = clockText(slices.begin[place], 1e3);
    const length = slices.isInstant(place) ? '' : ` for ${duration(slices.end[place] - slices.begin[place])}`;
    const word = stateWord(slices.state[place]);
    const where = track.group >= 0 ? nodeName(track.group) + ', ' : isMerged() ? run.runs[track.run].label + ', ' : '';
    return `${where}${track.lane}, at ${at}${length}${word ? ', ' + word : ''}`;
  }

  choose(place) {
    this.chosen = place;
    this.schedule();
    if (place < 0) {
      this.showHint();
      return;
    }
    const test = this.slices.test[place];
    fill(this.info, el('b', {}, this.slices.textOf(place)), el('span', {}, this.words(place)),
        test >= 0 ? el('button', { type: 'button', class: 'link', click: () => this.openChosen() },
            `Open in ${tests.title(test)}`)
          : el('button', { type: 'button', class: 'link', click: () => this.openChosen() }, 'Open in the run\u2019s items'));
  }

  showHint() {
    fill(this.info, matchMedia('(pointer: coarse)').matches ? 'Tap an item to see what it was. Two fingers zoom.'
      : 'Click an item to see what it was. Drag to move, Ctrl and wheel to zoom, drag in the ruler to select a stretch.');
  }

  openChosen() {
    const { chosen, slices } = this;
    if (chosen < 0) return;
    const test = slices.test[chosen];
    const item = slices.idOf(chosen);
    if (test < 0) go({ v: 'run', test: '', item });
    else go({ v: '', test: tests.id(test), item, a: '' });
  }

  // The next or the previous item of the lane.
  step(by) {
    const { slices } = this;
    const at = this.chosen < 0 ? firstAtLeast(this.mode.x0, this.scale.t0, 0, slices.tracks.length ? slices.tracks[0].to : 0)
      : this.chosen + by;
    if (at < 0 || at >= slices.count) return;
    this.choose(at);
    const middle = (this.mode.x0[at] + this.mode.x1[at]) / 2;
    if (middle < this.scale.t0 || middle > this.scale.t1) {
      const half = (this.scale.t1 - this.scale.t0) / 2;
      this.scale.set(middle - half, middle + half, 1);
    }
    announce(`${slices.textOf(at)}, ${this.words(at)}`);
    this.moved();
  }

  // Zooms to an item.
  frame(place = this.chosen) {
    if (place < 0) return;
    const from = this.mode.x0[place];
    const to = this.mode.x1[place];
    const edge = Math.max((to - from) * 0.4, this.isOrder ? 4 : 1e6);
    this.scale.set(from - edge, to + edge, this.isOrder ? 2 : 100);
    this.choose(place);
    this.moved();
  }

  select(selection) {
    this.selection = selection;
    if (!selection) announce('No selection');
    this.moved();
  }

  summary() {
    return `${count(this.slices.count, 'item')} on ${count(this.lanes.filter((lane) => lane.kind !== 'head' && lane.kind !== 'run').length, 'lane')}` +
        ` of ${count(run.nodes.length, 'node')}, with ${count(this.faults.length, 'fault')}`;
  }
}

export function stateWord(stateNumber) {
  if (stateNumber >= 16) return outcomes[stateNumber - 16].word;
  return ['', 'failed', 'no end', 'running', 'exit status not 0', 'warning'][stateNumber] || '';
}
