// The intervals and instants of the timeline: columns of numbers, their order, and for each track coarser levels, so that a
// frame looks at about as many entries as the screen has pixels, however many intervals there are.
import { readExtent, readJson } from './blocks.js';
import { run } from './data.js';

export const stateBits = { plain: 0, failed: 1, cut: 2, running: 3, nonZero: 4, warning: 5, outcome: 16 };

class Numbers {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  // Numbers are below 2^53: shifts would cut them at 2^32.
  next() {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  signed() {
    const value = this.next();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }
}

// Which state shows where several share a pixel.
export const weight = new Uint8Array(64);
[[0, 1], [5, 2], [4, 3], [3, 4], [2, 5], [1, 9]].forEach(([state, value]) => { weight[state] = value; });
[1, 9, 9, 9, 6, 1, 6, 1, 5, 5, 5, 8].forEach((value, outcome) => { weight[16 + outcome] = value; });

export class Slices {
  async load() {
    const head = await readJson('b', run.timeline);
    const columns = await Promise.all((head.columns || []).map((extent) => readExtent('b', extent)));
    this.head = head;
    this.count = head.count;
    this.tracks = head.tracks;
    this.decode(columns.map((bytes) => new Numbers(bytes)));
    const lengths = new Numbers(await readExtent('b', head.textLengths));
    this.texts = await readExtent('b', head.texts);
    this.textEnds = new Float64Array(head.textCount);
    let end = 0;
    for (let i = 0; i < head.textCount; ++i) this.textEnds[i] = end += lengths.next();
    this.decoder = new TextDecoder();
    this.clock = { x0: this.begin, x1: this.end, levels: new Map() };
    this.order = null;
  }

  decode(columns) {
    const n = this.count;
    this.begin = new Float64Array(n);
    this.end = new Float64Array(n);
    this.state = new Uint8Array(n);
    this.text = new Uint32Array(n);
    this.test = new Int32Array(n);
    this.file = new Uint16Array(n);
    this.item = new Uint32Array(n);
    this.trackOf = new Uint16Array(n);
    let i = 0;
    this.tracks.forEach((track, place) => {
      track.from = i;
      track.to = i + track.count;
      let begin = 0;
      let text = 0;
      let test = 0;
      let item = 0;
      for (; i < track.to; ++i) {
        this.begin[i] = begin += columns[0].signed();
        this.end[i] = begin + columns[1].next();
        this.state[i] = columns[2].next();
        this.text[i] = text += columns[3].signed();
        this.test[i] = test += columns[4].signed();
        this.file[i] = columns[5].next();
        this.item[i] = item += columns[6].signed();
        this.trackOf[i] = place;
      }
    });
  }

  textOf(place) {
    const text = this.text[place];
    const from = text ? this.textEnds[text - 1] : 0;
    return this.decoder.decode(this.texts.subarray(from, this.textEnds[text]));
  }

  idOf(place) {
    return `${this.file[place]}.${this.item[place]}`;
  }

  isInstant(place) {
    return this.begin[place] === this.end[place];
  }

  // Places in order of their begin.
  byTime() {
    if (!this.sorted) {
      this.sorted = new Uint32Array(this.count).map((_, i) => i);
      const begin = this.begin;
      this.sorted.sort((one, other) => begin[one] - begin[other] || one - other);
    }
    return this.sorted;
  }

  // The ranks of all times at which something begins or ends. Order and overlap stay, durations do not.
  ranked() {
    if (this.order) return this.order;
    const all = new Float64Array(2 * this.count);
    all.set(this.begin);
    all.set(this.end, this.count);
    all.sort();
    let n = 0;
    for (let i = 0; i < all.length; ++i) if (i === 0 || all[i] !== all[i - 1]) all[n++] = all[i];
    this.stamps = all.slice(0, n);
    const ranks = (times) => {
      const result = new Float64Array(times.length);
      for (let i = 0; i < times.length; ++i) result[i] = this.rankOf(times[i]);
      return result;
    };
    this.order = { x0: ranks(this.begin), x1: ranks(this.end), levels: new Map() };
    return this.order;
  }

  // The rank of a time, with a fraction between two of them.
  rankOf(time) {
    const stamps = this.stamps;
    const at = firstAtLeast(stamps, time, 0, stamps.length);
    if (at >= stamps.length) return Math.max(0, stamps.length - 1);
    if (stamps[at] === time || at === 0) return at;
    return at - (stamps[at] - time) / (stamps[at] - stamps[at - 1]);
  }

  timeOfRank(rank) {
    const stamps = this.stamps;
    const last = stamps.length - 1;
    if (last < 0) return 0;
    const low = Math.max(0, Math.min(last, Math.floor(rank)));
    const high = Math.min(last, low + 1);
    return stamps[low] + (stamps[high] - stamps[low]) * Math.max(0, Math.min(1, rank - low));
  }

  // Returns the coarsest level whose entries are not wider than `width`.
  level(mode, trackPlace, width) {
    const levels = this.levelsOf(mode, trackPlace);
    let best = levels[0];
    for (const level of levels) if (level.width <= width) best = level;
    return best;
  }

  levelsOf(mode, trackPlace) {
    let levels = mode.levels.get(trackPlace);
    if (levels) return levels;
    const { from, to } = this.tracks[trackPlace];
    const x0 = mode.x0.subarray(from, to);
    const x1 = mode.x1.subarray(from, to);
    levels = [{ width: 0, x0, x1, state: this.state.subarray(from, to), reach: reachOf(x1), from }];
    const span = x0.length ? x0[x0.length - 1] - x0[0] : 0;
    let width = span > 0 ? 2 ** Math.ceil(Math.log2(span / x0.length)) : 0;
    while (width > 0 && levels[levels.length - 1].x0.length > 64) {
      levels.push(coarser(levels[levels.length - 1], width));
      width *= 2;
    }
    mode.levels.set(trackPlace, levels);
    return levels;
  }

  // Makes all levels before they are needed.
  prepare(mode) {
    for (let i = 0; i < this.tracks.length; ++i) this.levelsOf(mode, i);
  }
}

// The greatest end so far: it grows, so that one can search in it.
function reachOf(ends) {
  const reach = new Float64Array(ends.length);
  let far = -Infinity;
  for (let i = 0; i < ends.length; ++i) reach[i] = far = Math.max(far, ends[i]);
  return reach;
}

// Joins what begins in the same stretch of `width`.
function coarser(fine, width) {
  const n = fine.x0.length;
  const x0 = new Float64Array(n);
  const x1 = new Float64Array(n);
  const state = new Uint8Array(n);
  let at = -1;
  let stretch = NaN;
  for (let i = 0; i < n; ++i) {
    const here = Math.floor(fine.x0[i] / width);
    if (here !== stretch) {
      stretch = here;
      ++at;
      x0[at] = fine.x0[i];
      x1[at] = fine.x1[i];
      state[at] = fine.state[i];
      continue;
    }
    if (fine.x1[i] > x1[at]) x1[at] = fine.x1[i];
    if (weight[fine.state[i]] > weight[state[at]]) state[at] = fine.state[i];
  }
  const ends = x1.slice(0, at + 1);
  return { width, x0: x0.slice(0, at + 1), x1: ends, state: state.slice(0, at + 1), reach: reachOf(ends), from: -1 };
}

// The first place in a growing column whose value is not below `value`.
export function firstAtLeast(column, value, from, to) {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (column[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

let loaded = null;

export function openSlices() {
  if (!loaded) {
    const slices = new Slices();
    loaded = slices.load().then(() => slices);
  }
  return loaded;
}
