// Draws the timeline on a canvas: one call is one frame. What there is to draw is said by the lanes (timeline.js).
import { duration, clockText, bytesText, grouped } from './base.js';
import { firstAtLeast, weight } from './slices.js';
import { rulerStep } from './scale.js';

export const rulerHeight = 26;
const font = '11px system-ui, sans-serif';
const strongFont = '600 11px system-ui, sans-serif';

// The colours of the page, for canvases: they are read again when the theme changes.
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const named = {};
  for (const name of ['page', 'panel', 'ink', 'soft', 'faint', 'rule', 'accent', 'fail', 'pass', 'warn', 'infra',
    'calm', 'slice', 'fault', 'faultline', 'faultbar', 'chosen']) {
    named[name] = style.getPropertyValue(`--${name}`).trim();
  }
  const outcome = ['pass', 'fail', 'fail', 'fail', 'infra', 'calm', 'infra', 'infra', 'warn', 'warn', 'warn', 'fail'];
  named.states = new Array(64).fill(named.slice);
  Object.assign(named.states, { 1: named.fail, 2: named.infra, 3: named.accent, 4: named.warn, 5: named.warn });
  outcome.forEach((group, i) => { named.states[16 + i] = named[group]; });
  return named;
}

// A colour as a pixel of ImageData.
function pixelOf(colour) {
  const { context } = pixelOf;
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer)[0];
}

// Lanes as rows of pixels, which are stretched to their heights: a frame then costs as much as its lanes have pixels,
// whatever is on them. Thousands of rectangles would take longer than a frame.
class Strips {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.context = this.canvas.getContext('2d');
    this.width = 0;
    this.rows = 0;
  }

  begin(width, rows) {
    if (width !== this.width || rows > this.rows) {
      this.width = this.canvas.width = width;
      this.rows = this.canvas.height = Math.ceil(rows / 32) * 32;
      this.image = this.context.createImageData(this.width, this.rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.weights = new Uint8Array(this.width);
    }
    this.pixels.fill(0);
    this.count = 0;
  }

  // Returns the place of a row whose pixels are still transparent.
  add() {
    this.weights.fill(0);
    return this.count++;
  }

  // Sets pixels of a row. Of several that share one, the weightiest shows, and of equal ones the last.
  span(row, from, to, pixel, weight = 1) {
    const { pixels, weights, width } = this;
    const base = row * width;
    const end = Math.min(width, to);
    for (let x = Math.max(0, from); x < end; ++x) {
      if (weights[x] > weight) continue;
      weights[x] = weight;
      pixels[base + x] = pixel;
    }
  }

  end() {
    if (this.count) this.context.putImageData(this.image, 0, 0, 0, 0, this.width, this.count);
  }

  draw(context, row, x, y, width, height) {
    context.drawImage(this.canvas, 0, row, this.width, 1, x, y, width, height);
  }
}

export class Painter {
  constructor(canvas) {
    this.context = canvas.getContext('2d', { alpha: false });
    this.palette = colours();
    this.strips = new Strips();
    if (!pixelOf.context) pixelOf.context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const { states, soft, faultbar, fault, faultline } = this.palette;
    this.pixels = { states: states.map(pixelOf), soft: pixelOf(soft), faultbar: pixelOf(faultbar), fault: pixelOf(fault),
      faultline: pixelOf(faultline) };
  }

  // `scene` has: slices, mode, scale, lanes, top (pixels scrolled), height, ratio, and what is chosen.
  draw(scene) {
    const { context } = this;
    const { scale, height, ratio } = scene;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.palette.page;
    context.fillRect(0, 0, scale.left + scale.width, height);
    const seen = scene.lanes.filter((lane) => lane.y + lane.height > scene.top &&
        lane.y < scene.top + height - rulerHeight);
    context.save();
    context.beginPath();
    context.rect(scale.left, rulerHeight, scale.width, height - rulerHeight);
    context.clip();
    this.grid(scene);
    this.fillStrips(scene, seen);
    context.imageSmoothingEnabled = false;
    for (const lane of seen) this.lane(scene, lane, rulerHeight + lane.y - scene.top);
    this.faults(scene);
    this.failures(scene);
    this.selection(scene);
    context.restore();
    for (const lane of seen) this.label(scene, lane, rulerHeight + lane.y - scene.top);
    this.ruler(scene);
  }

  marks(scene) {
    const { scale, isOrder } = scene;
    const step = isOrder ? Math.max(1, rulerStep(scale.perPixel(), 96, false)) : rulerStep(scale.perPixel(), 90, true);
    const marks = [];
    for (let at = Math.ceil(scale.t0 / step) * step; at <= scale.t1 && marks.length < 200; at += step) marks.push(at);
    return { step, marks };
  }

  grid(scene) {
    const { context, palette } = this;
    context.fillStyle = palette.faint;
    for (const at of this.marks(scene).marks) {
      context.fillRect(Math.round(scene.scale.x(at)), rulerHeight, 1, scene.height);
    }
  }

  ruler(scene) {
    const { context, palette } = this;
    const { scale, slices, isOrder } = scene;
    context.fillStyle = palette.page;
    context.fillRect(0, 0, scale.left + scale.width, rulerHeight);
    context.fillStyle = palette.rule;
    context.fillRect(0, rulerHeight - 1, scale.left + scale.width, 1);
    context.fillRect(scale.left - 1, 0, 1, scene.height);
    context.font = font;
    context.fillStyle = palette.soft;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillText(isOrder ? 'order' : 'time', 10, rulerHeight / 2);
    const { step, marks } = this.marks(scene);
    context.save();
    context.beginPath();
    context.rect(scale.left, 0, scale.width, rulerHeight);
    context.clip();
    for (const at of marks) {
      const x = Math.round(scale.x(at));
      context.fillStyle = palette.rule;
      context.fillRect(x, rulerHeight - 7, 1, 6);
      context.fillStyle = palette.soft;
      context.fillText(isOrder ? clockText(slices.timeOfRank(at), 1e6) : clockText(at, step), x + 4, rulerHeight / 2 - 1);
    }
    this.flags(scene);
    if (scene.selection) {
      const [from, to] = scene.selection.map((value) => scale.x(value));
      context.fillStyle = palette.accent;
      context.fillRect(from, rulerHeight - 4, Math.max(2, to - from), 3);
    }
    context.restore();
  }

  label(scene, lane, y) {
    const { context, palette } = this;
    const { scale } = scene;
    const width = scale.left - 1;
    context.fillStyle = palette.page;
    context.fillRect(0, y, width, lane.height);
    context.save();
    context.beginPath();
    context.rect(0, y, width - 4, lane.height);
    context.clip();
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    if (lane.kind === 'head' || lane.kind === 'run') {
      context.font = strongFont;
      context.fillStyle = lane.kind === 'run' ? palette.accent : palette.ink;
      context.fillText(lane.title, 10, y + lane.height / 2 + 1);
      const used = context.measureText(lane.title).width;
      context.font = font;
      context.fillStyle = palette.soft;
      const fits = lane.note && context.measureText(lane.note).width + used + 26 < width;
      if (fits) context.fillText(lane.note, 10 + used + 8, y + lane.height / 2 + 1);
    } else if (lane.title) {
      context.font = font;
      context.fillStyle = palette.soft;
      context.fillText(lane.title, 18, y + lane.height / 2);
      const room = width - 8 - 18 - context.measureText(lane.title).width;
      if (lane.note && context.measureText(lane.note).width + 6 < room) {
        context.textAlign = 'right';
        context.fillText(lane.note, width - 8, y + lane.height / 2);
      }
    }
    context.restore();
    if (lane.kind === 'head' || lane.kind === 'run') {
      context.fillStyle = palette.rule;
      context.fillRect(0, y, scale.left + scale.width, 1);
    }
  }

  lane(scene, lane, y) {
    if (lane.kind === 'plot') this.plot(scene, lane, y);
    else if (lane.kind === 'run') return;
    else if (lane.kind === 'head') this.clockError(scene, lane, y);
    else if (lane.kind === 'ticks') this.ticks(scene, lane, y);
    else this.bars(scene, lane, y);
  }

  fillStrips(scene, seen) {
    const { strips } = this;
    const lanes = seen.filter(({ kind }) => kind === 'bars' || kind === 'ticks');
    const bands = new Map(scene.faults.flatMap((fault) => fault.bands).map((band) => [band[0], band]));
    strips.begin(Math.max(1, Math.round(scene.scale.width * scene.ratio)), 2 * lanes.length + bands.size);
    this.rows = new Map(lanes.map((lane) => [lane, lane.kind === 'ticks' ? this.fillTicks(scene, lane) : this.fillBars(scene, lane)]));
    this.bandRows = [...bands.values()].map((band) => [band, this.fillBand(scene, band[0])]);
    strips.end();
  }

  // Returns a function from values of the scale to pixels of a strip.
  toPixels({ scale }) {
    const factor = this.strips.width / (scale.t1 - scale.t0);
    return (value) => (value - scale.t0) * factor;
  }

  fillBars(scene, lane) {
    const { strips, pixels } = this;
    const { scale, slices, mode } = scene;
    const level = slices.level(mode, lane.track, scale.perPixel());
    const { x0, x1, state, reach } = level;
    const at = this.toPixels(scene);
    const row = strips.add();
    const texts = [];
    for (let i = firstAtLeast(reach, scale.t0, 0, x0.length); i < x0.length && x0[i] <= scale.t1; ++i) {
      const from = Math.floor(at(x0[i]));
      let to = Math.max(from + 1, Math.round(at(Math.min(x1[i], scale.t1 + scale.perPixel()))));
      if (level.width === 0 && lane.height > 14 && to - from > 36 * scene.ratio) texts.push([level.from + i, x0[i], x1[i]]);
      // Neighbours keep a hairline between them, once they are wide enough for it.
      if (to - from > 3) --to;
      strips.span(row, from, to, lane.isFault && state[i] === 0 ? pixels.faultbar : pixels.states[state[i]], weight[state[i]]);
    }
    return { row, texts };
  }

  // What is more than a plain line is higher, and stands in a row of its own.
  fillTicks(scene, lane) {
    const { strips, pixels } = this;
    const { scale, slices, mode } = scene;
    const { x0, state } = slices.level(mode, lane.track, scale.perPixel());
    const at = this.toPixels(scene);
    const first = firstAtLeast(x0, scale.t0, 0, x0.length);
    const fill = (isPlain) => {
      const row = strips.add();
      for (let i = first; i < x0.length && x0[i] <= scale.t1; ++i) {
        if ((state[i] === 0) !== isPlain) continue;
        const x = Math.round(at(x0[i]));
        strips.span(row, x, x + (isPlain ? 1 : 2), isPlain ? pixels.soft : pixels.states[state[i]], weight[state[i]]);
      }
      return row;
    };
    return { row: fill(true), high: fill(false) };
  }

  // The faults that touch the node whose lanes begin at `top`.
  fillBand(scene, top) {
    const { strips, pixels } = this;
    const { faults, slices, isOrder, scale } = scene;
    const at = this.toPixels(scene);
    const row = strips.add();
    for (const fault of faults) {
      if (!fault.bands.some((band) => band[0] === top)) continue;
      const [begin, end] = isOrder ? [slices.rankOf(fault.b), slices.rankOf(fault.e)] : [fault.b, fault.e];
      if (end < scale.t0 || begin > scale.t1) continue;
      const from = Math.floor(at(begin));
      const to = Math.max(from + 1, Math.round(at(Math.min(end, scale.t1 + scale.perPixel()))));
      strips.span(row, from, to, pixels.fault);
      strips.span(row, from, from + 1, pixels.faultline);
      if (to - from > 2 && end <= scale.t1) strips.span(row, to - 1, to, pixels.faultline);
    }
    return row;
  }

  bars(scene, lane, y) {
    const { scale } = scene;
    const { row, texts } = this.rows.get(lane);
    const [top, height] = [y + 2, lane.height - 4];
    this.strips.draw(this.context, row, scale.left, top, scale.width, height);
    this.texts(scene, lane, texts.map(([place, from, to]) => [place, scale.x(from), scale.x(to)]), y);
    this.chosen(scene, lane, top, height);
  }

  texts(scene, lane, texts, y) {
    const { context, palette } = this;
    context.font = font;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillStyle = palette.page;
    for (const [place, from, to] of texts) {
      const start = Math.max(from, scene.scale.left) + 5;
      const room = to - start - 4;
      if (room < 24) continue;
      const text = fitted(lane.track === undefined ? '' : scene.textOf(place), room);
      context.fillText(text, start, y + lane.height / 2 + 0.5);
    }
  }

  // Outlines what is chosen.
  chosen(scene, lane, top, height) {
    const { context, palette } = this;
    const { slices, mode, scale, chosen } = scene;
    if (chosen < 0 || slices.trackOf[chosen] !== lane.track) return;
    const from = scale.x(mode.x0[chosen]);
    const to = Math.max(from + 2, scale.x(mode.x1[chosen]));
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    context.strokeRect(from - 1, top - 1, to - from + 2, height + 2);
  }

  ticks(scene, lane, y) {
    const { scale } = scene;
    const { row, high } = this.rows.get(lane);
    const height = lane.height;
    this.strips.draw(this.context, row, scale.left, y + 4, scale.width, height - 8);
    this.strips.draw(this.context, high, scale.left, y + 1.5, scale.width, height - 3);
    this.tickErrors(scene, lane, y + height / 2);
    this.chosen(scene, lane, y + 2, height - 4);
  }

  // A dashed line through each tick whose place is uncertain by more than a pixel.
  tickErrors(scene, lane, y) {
    const { scale, slices, mode } = scene;
    const { x0, width } = slices.level(mode, lane.track, scale.perPixel());
    const error = scene.isOrder ? 0 : lane.errorAt((scale.t0 + scale.t1) / 2) / scale.perPixel();
    if (width > 0 || error <= 1) return;
    for (let i = firstAtLeast(x0, scale.t0, 0, x0.length); i < x0.length && x0[i] <= scale.t1; ++i) {
      this.dashes(scale.x(x0[i]) - error, scale.x(x0[i]) + error, y, this.palette.soft);
    }
  }

  dashes(from, to, y, colour) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(to, y);
    context.stroke();
    context.setLineDash([]);
  }

  // A dashed line where a place of the node's clock is uncertain by more than a pixel.
  clockError(scene, lane, y) {
    if (scene.isOrder || !lane.clocks) return;
    const { scale } = scene;
    lane.clocks.forEach(([at, , error], i) => {
      if (error <= scale.perPixel()) return;
      const until = i + 1 < lane.clocks.length ? lane.clocks[i + 1][0] : scale.high;
      const from = Math.max(scale.left, scale.x(i === 0 ? scale.low : at));
      const to = Math.min(scale.left + scale.width, scale.x(until));
      if (to > from) this.dashes(from, to, y + lane.height / 2, this.palette.soft);
    });
  }

  plot(scene, lane, y) {
    const { context, palette } = this;
    const { points, high } = lane.plot;
    const { scale } = scene;
    const at = (point) => scale.x(scene.isOrder ? scene.slices.rankOf(point[0]) : point[0]);
    const base = y + lane.height - 3;
    const size = lane.height - 7;
    context.strokeStyle = palette.accent;
    context.lineWidth = 1.25;
    context.beginPath();
    let last = NaN;
    points.forEach((point, i) => {
      const x = at(point);
      const next = i + 1 < points.length ? at(points[i + 1]) : x;
      if (next < scale.left - 2 || last > scale.left + scale.width + 2) return;
      const level = base - (high > 0 ? point[1] / high : 0) * size;
      if (Number.isNaN(last)) context.moveTo(x, level);
      else context.lineTo(x, level);
      last = x;
    });
    context.stroke();
    context.fillStyle = palette.faint;
    context.fillRect(scale.left, base + 1, scale.width, 1);
  }

  // A failure is a line over all lanes, and has a flag in the ruler.
  failures(scene) {
    const { context, palette } = this;
    context.fillStyle = palette.fail;
    for (const at of scene.failures) context.fillRect(Math.round(scene.scale.x(at)), rulerHeight, 1, scene.height);
  }

  flags(scene) {
    const { context, palette } = this;
    context.fillStyle = palette.fail;
    for (const at of scene.failures) {
      const x = Math.round(scene.scale.x(at));
      context.beginPath();
      context.moveTo(x, rulerHeight);
      context.lineTo(x, rulerHeight - 12);
      context.lineTo(x + 9, rulerHeight - 8);
      context.lineTo(x + 1, rulerHeight - 4);
      context.lineTo(x + 1, rulerHeight);
      context.fill();
    }
  }

  // A fault is a band over every lane of the nodes that it touches.
  faults(scene) {
    for (const [[top, height], row] of this.bandRows) {
      const y = rulerHeight + top - scene.top;
      if (y > scene.height || y + height < rulerHeight) continue;
      this.strips.draw(this.context, row, scene.scale.left, y, scene.scale.width, height);
    }
  }

  selection(scene) {
    const { context, palette } = this;
    if (!scene.selection) return;
    const { scale } = scene;
    const [from, to] = scene.selection.map((value) => scale.x(value));
    context.fillStyle = palette.chosen;
    context.fillRect(scale.left, rulerHeight, from - scale.left, scene.height);
    context.fillRect(to, rulerHeight, scale.left + scale.width - to, scene.height);
    context.fillStyle = palette.accent;
    context.fillRect(from - 1, rulerHeight, 1, scene.height);
    context.fillRect(to, rulerHeight, 1, scene.height);
  }
}

// A guess of the width of characters is enough, and costs nothing.
function fitted(text, room) {
  const most = Math.floor(room / 5.6);
  return text.length <= most ? text : most > 3 ? text.slice(0, most - 1) + '\u2026' : '';
}

export function plotNote(plot) {
  const value = plot.unit === 'B' ? bytesText(plot.high) : plot.unit === 'B/s' ? bytesText(plot.high) + '/s'
    : `${plot.high < 10 ? plot.high.toFixed(1) : grouped(Math.round(plot.high))} ${plot.unit}`;
  return value;
}

export function errorNote(clocks) {
  const worst = Math.max(0, ...(clocks || []).map(([, , error]) => error));
  return worst ? `clock \u00b1${duration(worst)}` : '';
}
