import { tokensOf, type Token } from './sql-tokens.ts';

const afterFrom = new Set(['WHERE', 'GROUP', 'HAVING', 'WINDOW', 'ORDER', 'LIMIT', 'OFFSET', 'FETCH', 'FOR']);
const joining = new Set(['UNION', 'INTERSECT', 'EXCEPT', 'JOIN']);
const subquery = new Set(['SELECT', 'WITH', 'VALUES']);

/**
 * A view's query as PostgreSQL 16 and later print it: where it reads from one thing only, its columns go without that one's name,
 * which 14 and 15 put before each. Of queries inside of it every version prints it.
 */
export function bareColumns(query: string): string {
  const tokens = tokensOf(query);
  const depths = depthsOf(tokens);
  const isOuter = (index: number) => depths[index] === 0 && tokens[index]?.kind !== 'string';
  if (tokens.some(({ text }, index) => isOuter(index) && joining.has(text))) return query;
  const select = tokens.findIndex(({ text }, index) => isOuter(index) && text === 'SELECT');
  const from = tokens.findIndex(({ text }, index) => index > select && isOuter(index) && text === 'FROM');
  if (select === -1 || from === -1) return query;
  const next = tokens.findIndex(
    ({ text }, index) => index > from && isOuter(index) && (afterFrom.has(text) || text === ';'),
  );
  const end = next === -1 ? tokens.length : next;
  const name = nameOf(tokens, depths, from + 1, end);
  if (name === undefined) return query;
  const inside = insideQueries(tokens, select);
  let bare = '';
  let copied = 0;
  for (const [index, { text, start }] of tokens.entries()) {
    const [before, dot, column] = [tokens[index - 1], tokens[index + 1], tokens[index + 2]];
    const isPrefix = text === name && dot?.text === '.' && column?.kind === 'name' && before?.text !== '.';
    if (!isPrefix || (index > from && index < end) || inside[index] || index < select) continue;
    bare += query.slice(copied, start);
    copied = column.start;
  }
  return bare + query.slice(copied);
}

/** By what the columns of the only thing that is read are called; undefined where there are several. */
function nameOf(tokens: readonly Token[], depths: readonly number[], begin: number, end: number): string | undefined {
  const outer = tokens.slice(begin, end).filter((_, index) => depths[begin + index] === 0);
  if (outer.some(({ text }) => text === ',')) return undefined;
  const words = outer.filter(({ text }) => text !== 'ONLY' && text !== 'LATERAL');
  let at = 0;
  let name: string | undefined;
  if (words[at]?.kind === 'name') {
    name = words[at]?.text;
    for (at += 1; words[at]?.text === '.'; at += 2) name = words[at + 1]?.text;
  }
  // What stands in brackets: arguments, a query, or a join, which has no name of its own.
  while (words[at]?.text === '(' || words[at]?.text === ')') at += 1;
  if (words[at]?.text === 'WITH') at += 2; // ORDINALITY
  const alias = words[at];
  return alias?.kind === 'name' && alias.text !== 'TABLESAMPLE' ? alias.text : name;
}

/** How many brackets each token stands in; a bracket itself stands outside. */
function depthsOf(tokens: readonly Token[]): number[] {
  let depth = 0;
  return tokens.map(({ text, kind }) => {
    if (kind !== 'symbol') return depth;
    if (text === '(') return depth++;
    return text === ')' ? --depth : depth;
  });
}

/** Which tokens stand in a query inside of the outer one. */
function insideQueries(tokens: readonly Token[], begin: number): boolean[] {
  const stack: boolean[] = [];
  return tokens.map(({ text, kind }, index) => {
    if (kind === 'symbol' && text === '(' && index >= begin)
      stack.push((stack.at(-1) ?? false) || subquery.has(tokens[index + 1]?.text ?? ''));
    else if (kind === 'symbol' && text === ')' && index >= begin) stack.pop();
    return stack.at(-1) ?? false;
  });
}
