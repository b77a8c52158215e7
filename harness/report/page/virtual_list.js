// A list of any length whose rows have one height: only the rows that can be seen are in the document.
import { el } from './base.js';

// Browsers limit the height of an element; beyond this a pixel of the bar is more than one of the list.
const heightMax = 15e6;

export class VirtualList {
  // `draw(place, row)` fills a row; `open(place)` is called for Enter and a click.
  constructor({ label, rowHeight, draw, open, role = 'listbox' }) {
    this.draw = draw;
    this.open = open;
    this.rowHeight = rowHeight;
    this.count = 0;
    this.active = -1;
    this.rows = new Map();
    this.isRow = role === 'listbox' ? 'option' : 'row';
    this.space = el('div', { class: 'vspace', role: 'presentation' });
    this.element = el('div', { class: 'vlist', role, tabindex: '0', 'aria-label': label,
      scroll: () => this.schedule(), keydown: (event) => this.key(event), click: (event) => this.click(event) },
    this.space);
    new ResizeObserver(() => this.schedule()).observe(this.element);
  }

  // The list has other rows now.
  reset(count, rowHeight = this.rowHeight) {
    this.count = count;
    this.rowHeight = rowHeight;
    this.height = Math.min(heightMax, count * rowHeight);
    this.space.style.height = `${this.height}px`;
    this.element.setAttribute('aria-rowcount', count);
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.active = Math.min(this.active, count - 1);
    this.render();
  }

  schedule() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.render();
    });
  }

  // The first row's place in the list, as a fraction, for the place of the bar.
  top() {
    const hidden = this.height - this.element.clientHeight;
    const real = this.count * this.rowHeight - this.element.clientHeight;
    return hidden > 0 ? this.element.scrollTop * (real / hidden) : 0;
  }

  render() {
    const seen = this.element.clientHeight;
    const top = this.top();
    const first = Math.max(0, Math.floor(top / this.rowHeight) - 3);
    const last = Math.min(this.count, Math.ceil((top + seen) / this.rowHeight) + 3);
    for (const [place, row] of this.rows) {
      if (place >= first && place < last) continue;
      row.remove();
      this.rows.delete(place);
    }
    const shift = this.element.scrollTop - top;
    for (let place = first; place < last; ++place) {
      let row = this.rows.get(place);
      if (!row) {
        row = el('div', { class: 'vrow', role: this.isRow, id: `${this.name()}-${place}`,
          'aria-posinset': place + 1, 'aria-setsize': this.count });
        row.dataset.place = place;
        row.style.height = `${this.rowHeight}px`;
        this.draw(place, row);
        this.rows.set(place, row);
        this.space.append(row);
      }
      row.style.transform = `translateY(${place * this.rowHeight + shift}px)`;
      const isActive = place === this.active;
      row.classList.toggle('active', isActive);
      if (this.isRow === 'option') row.setAttribute('aria-selected', isActive);
    }
    if (this.active >= 0 && this.rows.has(this.active)) {
      this.element.setAttribute('aria-activedescendant', `${this.name()}-${this.active}`);
    } else {
      this.element.removeAttribute('aria-activedescendant');
    }
  }

  name() {
    if (!this.id) this.id = `v${VirtualList.next = (VirtualList.next || 0) + 1}`;
    return this.id;
  }

  select(place, shows = true) {
    this.active = place;
    if (shows && place >= 0) this.show(place);
    this.render();
  }

  show(place) {
    const seen = this.element.clientHeight;
    const top = this.top();
    const at = place * this.rowHeight;
    if (at >= top && at + this.rowHeight <= top + seen) return;
    const real = this.count * this.rowHeight - seen;
    const hidden = this.height - seen;
    const wanted = at < top ? at : at + this.rowHeight - seen;
    this.element.scrollTop = real > 0 ? wanted * (hidden / real) : 0;
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.count, End: this.count };
    if (event.key in steps) {
      this.select(Math.max(0, Math.min(this.count - 1, this.active + steps[event.key])));
    } else if (event.key === 'Enter' && this.active >= 0) {
      this.open(this.active, event);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  click(event) {
    const row = event.target.closest('.vrow');
    if (!row || event.target.closest('a,button')) return;
    this.select(Number(row.dataset.place), false);
    this.open(this.active, event);
  }
}
