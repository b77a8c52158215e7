// The horizontal scale of the timeline: which stretch of the run is on the screen, in nanoseconds or in ranks.

export class Scale {
  constructor(low, high) {
    this.bound(low, high);
    this.t0 = this.low;
    this.t1 = this.high;
    this.left = 0;
    this.width = 1;
  }

  bound(low, high) {
    this.low = low;
    this.high = Math.max(high, low + 1);
  }

  perPixel() {
    return (this.t1 - this.t0) / this.width;
  }

  x(value) {
    return this.left + (value - this.t0) / this.perPixel();
  }

  value(x) {
    return this.t0 + (x - this.left) * this.perPixel();
  }

  // Shows a stretch, of at least `least`, and not much beyond the run.
  set(t0, t1, least) {
    const slack = (this.high - this.low) * 0.04;
    let span = Math.min(Math.max(t1 - t0, least), this.high - this.low + 2 * slack);
    if (!Number.isFinite(span)) span = this.high - this.low;
    const middle = (t0 + t1) / 2;
    t0 = Math.min(Math.max(middle - span / 2, this.low - slack), this.high + slack - span);
    this.t0 = t0;
    this.t1 = t0 + span;
  }
}

// Returns the step of a ruler in 1-2-5 steps, with at least `gap` pixels between two marks. Above a second the steps are
// those of clocks.
export function rulerStep(perPixel, gap, isClock) {
  const least = perPixel * gap;
  if (isClock && least > 1e9) {
    const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
    for (const each of seconds) if (each * 1e9 >= least) return each * 1e9;
  }
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= least) return Math.max(1, factor * power);
  return 10 * power;
}
