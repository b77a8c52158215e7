// The filter of tests. Terms are joined by "and":
//   word  "two words"   in the name, the component, the first error
//   s:failed  c:kv  n:server1  o:owner  @label   the outcome, component, node, owner, label
//   r:debian12   the run or the column of runs
//   !term   not
import { outcomes } from './outcomes.js';
import { run, tests } from './data.js';

// Returns a list of { field, text, not }. A quote that is not closed goes to the end.
export function parseFilter(query) {
  const terms = [];
  const pattern = /(!?)(?:([scnor]):|(@))?(?:"([^"]*)"?|(\S+))/g;
  for (const [, not, field, at, quoted, word] of query.matchAll(pattern)) {
    const text = (quoted !== undefined ? quoted : word).toLowerCase();
    if (text) terms.push({ field: at || field || '', text, not: !!not });
  }
  return terms;
}

function wordOf(place) {
  return tests.running(place) ? 'running' : outcomes[tests.outcome(place)].word;
}

// "s:failed" is one outcome, and "s:bad" all that let a run fail.
function hasOutcome(place, text) {
  if (text === 'bad') return outcomes[tests.outcome(place)].rank <= 4 && !tests.running(place);
  return wordOf(place).startsWith(text);
}

function runNames(place) {
  const { id, column, label } = run.runs[tests.run(place)];
  return [id, column, label].filter(Boolean);
}

function matches(term, place) {
  const { field, text } = term;
  if (field === 's') return hasOutcome(place, text);
  if (field === 'c') return tests.component(place).toLowerCase().startsWith(text);
  if (field === 'n') return tests.nodesOf(place).some((node) => node.toLowerCase() === text);
  if (field === 'r') return runNames(place).some((name) => name.toLowerCase().startsWith(text));
  if (field === 'o') return tests.owner(place).toLowerCase().includes(text);
  if (field === '@') return tests.labels(place).toLowerCase().split(' ').includes(text);
  return tests.id(place).toLowerCase().includes(text) ||
      tests.error(place).toLowerCase().includes(text);
}

export function filterTests(query) {
  const terms = parseFilter(query);
  const found = [];
  for (let i = 0; i < tests.count; ++i) {
    if (terms.every((term) => matches(term, i) !== term.not)) found.push(i);
  }
  return found;
}

export function quotedTerm(prefix, text) {
  return prefix + (/\s/.test(text) ? `"${text}"` : text);
}

// Adds a term, or removes it if it is there.
export function withTerm(query, term) {
  const terms = query.match(/!?(?:[scnor]:|@)?(?:"[^"]*"?|\S+)/g) || [];
  const rest = terms.filter((each) => each !== term);
  if (rest.length === terms.length) rest.push(term);
  return rest.join(' ');
}

export function hasTerm(query, term) {
  return (query.match(/!?(?:[scnor]:|@)?(?:"[^"]*"?|\S+)/g) || []).includes(term);
}
