// Elements, and words for numbers.

// Makes an element. `properties` become attributes, but for functions, which become listeners.
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (name === 'class') element.className = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === '') continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

export function count(number, one, many) {
  return `${grouped(number)} ${number === 1 ? one : many || one + 's'}`;
}

// 12 345, with spaces that do not break.
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

function trimmed(number, digits) {
  return number.toFixed(digits);
}

// A time in nanoseconds with three significant digits.
export function duration(ns) {
  if (!Number.isFinite(ns)) return '';
  const size = Math.abs(ns);
  if (size < 1e3) return `${Math.round(ns)} ns`;
  if (size < 1e6) return `${trimmed(ns / 1e3, size < 1e4 ? 2 : size < 1e5 ? 1 : 0)} \u00b5s`;
  if (size < 1e9) return `${trimmed(ns / 1e6, size < 1e7 ? 2 : size < 1e8 ? 1 : 0)} ms`;
  if (size < 60e9) return `${trimmed(ns / 1e9, size < 1e10 ? 2 : 1)} s`;
  const seconds = Math.round(ns / 1e9);
  const hours = Math.floor(seconds / 3600);
  const rest = `${Math.floor(seconds / 60) % 60} min ${seconds % 60} s`;
  return hours ? `${hours} h ${rest}` : rest;
}

// A time since the run's begin: 1:02:03.456, with digits that fit a step of the ruler.
export function clockText(ns, step = 1e6) {
  const sign = ns < 0 ? '\u2212' : '';
  const size = Math.abs(ns);
  const digits = Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(Math.max(1, step)))));
  const whole = Math.floor(size / 1e9);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const seconds = String(whole % 60).padStart(2, '0');
  const part = digits ? '.' + String(Math.floor(size % 1e9)).padStart(9, '0').slice(0, digits) : '';
  const front = hours ? `${hours}:${String(minutes).padStart(2, '0')}` : String(minutes);
  return `${sign}${front}:${seconds}${part}`;
}

export function bytesText(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    ++unit;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function wallText(ns) {
  if (!ns) return '';
  return new Date(ns / 1e6).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

export function announce(text) {
  document.getElementById('live').textContent = text;
}

// Terminal colours and other control characters are not for a page.
export function plain(text) {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]|\\x1b\[[0-9;?]*[A-Za-z]/g, '');
}
