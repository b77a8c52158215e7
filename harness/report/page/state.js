// The state of the page, all of which stands in the address behind #, so that a link shows the same.
//   v view   q filter   sort   test   a attempt   item   t window "from,to"   sel selection   m mode   k kinds   w words

const names = ['v', 'q', 'sort', 'test', 'a', 'item', 't', 'sel', 'm', 'k', 'w'];
const listeners = [];
export const state = {};

function read() {
  const fields = new URLSearchParams(location.hash.slice(1));
  for (const name of names) state[name] = fields.get(name) || '';
}

function write(replaces) {
  const fields = new URLSearchParams();
  for (const name of names) if (state[name]) fields.set(name, state[name]);
  const hash = '#' + fields.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
  if (hash === location.hash) return;
  history[replaces ? 'replaceState' : 'pushState'](null, '', hash);
}

function tell(before) {
  const changed = new Set(names.filter((name) => before[name] !== state[name]));
  if (changed.size) for (const listener of listeners) listener(changed);
}

// Changes the state. `replaces` keeps the browser's history short while something moves.
export function go(changes, replaces = false) {
  const before = { ...state };
  for (const [name, value] of Object.entries(changes)) state[name] = value === null ? '' : String(value);
  write(replaces);
  tell(before);
}

export function linkTo(changes) {
  const fields = new URLSearchParams();
  const next = { ...state, ...changes };
  for (const name of names) if (next[name]) fields.set(name, next[name]);
  return '#' + fields.toString();
}

export function onChange(listener) {
  listeners.push(listener);
}

export function startState() {
  read();
  addEventListener('popstate', () => {
    const before = { ...state };
    read();
    tell(before);
  });
}

// Remembers a choice that belongs to the reader and not to the link. A page from a file may have no store.
export function remembered(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`muster-${name}`, value);
    return localStorage.getItem(`muster-${name}`);
  } catch {
    return null;
  }
}
