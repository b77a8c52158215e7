// Draws the timeline on a canvas: one call is one frame. What there is to draw is said by the lanes (timeline.js).
import { duration, clockText, bytesText, grouped } from './base.js';
import { firstAtLeast } from './slices.js';
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

export class Painter {
  constructor(canvas) {
    this.context = canvas.getContext('2d', { alpha: false });
    this.palette = colours();
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
    for (const lane of seen) this.lane(scene, lane, rulerHeight + lane.y - scene.top);
    this.faults(scene);
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
    if (lane.kind === 'head') {
      context.font = strongFont;
      context.fillStyle = palette.ink;
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
    if (lane.kind === 'head') {
      context.fillStyle = palette.rule;
      context.fillRect(0, y, scale.left + scale.width, 1);
    }
  }

  lane(scene, lane, y) {
    if (lane.kind === 'plot') this.plot(scene, lane, y);
    else if (lane.kind === 'head') this.clockError(scene, lane, y);
    else if (lane.kind === 'ticks') this.ticks(scene, lane, y);
    else this.bars(scene, lane, y);
  }

  bars(scene, lane, y) {
    const { context, palette } = this;
    const { scale, slices, mode } = scene;
    const perPixel = scale.perPixel();
    const level = slices.level(mode, lane.track, perPixel);
    const { x0, x1, state, reach } = level;
    const { t0, t1, left } = scale;
    const top = y + 2;
    const height = lane.height - 4;
    const factor = 1 / perPixel;
    let colour = -1;
    let runFrom = 0;
    let runTo = -1;
    const n = x0.length;
    const isFine = level.width === 0;
    const texts = [];
    for (let i = firstAtLeast(reach, t0, 0, n); i < n && x0[i] <= t1; ++i) {
      const from = left + (Math.max(x0[i], t0 - perPixel) - t0) * factor;
      let to = left + (Math.min(x1[i], t1 + perPixel) - t0) * factor;
      if (to < from + 1) to = from + 1;
      // Neighbours keep a hairline between them, once they are wide enough for it.
      const gap = to - from > 3 ? 0.75 : 0;
      if (state[i] === colour && from <= runTo + 0.4 && !gap) {
        if (to > runTo) runTo = to;
        continue;
      }
      if (runTo > runFrom) context.fillRect(runFrom, top, runTo - runFrom, height);
      if (state[i] !== colour) {
        colour = state[i];
        context.fillStyle = lane.isFault && colour === 0 ? palette.faultbar : palette.states[colour];
      }
      runFrom = from;
      runTo = to - gap;
      if (isFine && height > 10 && to - from > 36) texts.push([level.from + i, from, to]);
    }
    if (runTo > runFrom) context.fillRect(runFrom, top, runTo - runFrom, height);
    this.texts(scene, lane, texts, y);
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
    const { context, palette } = this;
    const { scale, slices, mode } = scene;
    const level = slices.level(mode, lane.track, scale.perPixel());
    const { x0, state } = level;
    const n = x0.length;
    const first = firstAtLeast(x0, scale.t0, 0, n);
    const error = scene.isOrder ? 0 : lane.errorAt((scale.t0 + scale.t1) / 2) / scale.perPixel();
    const showsError = level.width === 0 && error > 1;
    let colour = -1;
    for (let i = first; i < n && x0[i] <= scale.t1; ++i) {
      const x = Math.round(scale.x(x0[i]));
      if (state[i] !== colour) {
        colour = state[i];
        context.fillStyle = colour === 0 ? palette.soft : palette.states[colour];
      }
      const size = colour === 0 ? lane.height - 8 : lane.height - 3;
      context.fillRect(x, y + (lane.height - size) / 2, colour === 0 ? 1 : 2, size);
      if (showsError) this.dashes(x - error, x + error, y + lane.height / 2, palette.soft);
    }
    this.chosen(scene, lane, y + 2, lane.height - 4);
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

  // A fault is a band over every lane of the nodes that it touches.
  faults(scene) {
    const { context, palette } = this;
    const { scale, faults, slices, isOrder } = scene;
    for (const fault of faults) {
      const [begin, end] = isOrder ? [slices.rankOf(fault.b), slices.rankOf(fault.e)] : [fault.b, fault.e];
      if (end < scale.t0 || begin > scale.t1) continue;
      const from = scale.x(begin);
      const width = Math.max(1, scale.x(end) - from);
      for (const [top, height] of fault.bands) {
        const y = rulerHeight + top - scene.top;
        if (y > scene.height || y + height < rulerHeight) continue;
        context.fillStyle = palette.fault;
        context.fillRect(from, y, width, height);
        context.fillStyle = palette.faultline;
        context.fillRect(from, y, 1, height);
        if (width > 2) context.fillRect(from + width - 1, y, 1, height);
      }
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
