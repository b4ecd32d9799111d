/** A literal of Python, as far as headers of migrations have them; undefined for anything that must be run to be known. */
export type PythonValue = string | null | readonly PythonValue[] | undefined;

interface Token {
  readonly kind: 'name' | 'text' | 'sign' | 'line';
  /** A text's value; else as it stands. */
  readonly text: string;
  /** It begins its line. */
  readonly atStart: boolean;
}

/** What a Python file says at its top, read and never run. */
export interface PythonHeader {
  readonly docstring: string | undefined;
  /** What is assigned to a name first, with or without an annotation, at the file's top level or in a class. Absent: never. */
  readonly assigned: ReadonlyMap<string, PythonValue>;
  /** The names of classes and what they are made from, as `Migration` of `migrations.Migration`. */
  readonly classes: readonly string[];
}

/** Reads the assignments to these names. `nested`: those in a class too, as Django has them. */
export function readPython(
  text: string,
  names: readonly string[],
  { nested }: { readonly nested: boolean },
): PythonHeader {
  const tokens = tokensOf(text);
  const assigned = new Map<string, PythonValue>();
  const classes: string[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    const isFirst = at === 0 || tokens[at - 1]?.kind === 'line';
    if (token?.kind !== 'name' || !isFirst) continue;
    if (token.text === 'class') classes.push(lineFrom(tokens, at));
    if (!names.includes(token.text) || assigned.has(token.text) || !(nested || token.atStart)) continue;
    const equals = equalsAfter(tokens, at + 1);
    if (equals !== undefined) assigned.set(token.text, valueAt(tokens, equals + 1).value);
  }
  const first = tokens.find(({ kind }) => kind !== 'line');
  return { docstring: first?.kind === 'text' ? first.text : undefined, assigned, classes };
}

/** The place of the = behind a name and its annotation. */
function equalsAfter(tokens: readonly Token[], from: number): number | undefined {
  if (tokens[from]?.text === '=' && tokens[from]?.kind === 'sign') return from;
  if (tokens[from]?.text !== ':') return undefined;
  for (let at = from; at < tokens.length && tokens[at]?.kind !== 'line'; at += 1)
    if (tokens[at]?.kind === 'sign' && tokens[at]?.text === '=') return at;
  return undefined;
}

/** The value that begins there, and the place behind it. */
function valueAt(tokens: readonly Token[], from: number): { readonly value: PythonValue; readonly next: number } {
  const token = tokens[from];
  if (token?.kind === 'text') {
    let next = from + 1;
    let value = token.text;
    for (; tokens[next]?.kind === 'text'; next += 1) value += tokens[next]?.text ?? ''; // texts side by side are one
    return isEnd(tokens[next]) ? { value, next } : unknownFrom(tokens, from);
  }
  if (token?.kind === 'name' && token.text === 'None' && isEnd(tokens[from + 1]))
    return { value: null, next: from + 1 };
  if (token?.kind === 'sign' && '([{'.includes(token.text)) {
    const list: PythonValue[] = [];
    let next = from + 1;
    let commas = 0;
    while (next < tokens.length && !')]}'.includes(tokens[next]?.text ?? ')')) {
      if (tokens[next]?.text === ',' && tokens[next]?.kind === 'sign') {
        commas += 1;
        next += 1;
        continue;
      }
      const item = valueAt(tokens, next);
      list.push(item.value);
      next = item.next;
    }
    next += 1;
    if (!isEnd(tokens[next])) return unknownFrom(tokens, from);
    const isParenthesis = token.text === '(' && commas === 0 && list.length === 1;
    return { value: isParenthesis ? list[0] : list, next };
  }
  return unknownFrom(tokens, from);
}

function isEnd(token: Token | undefined): boolean {
  return token === undefined || token.kind === 'line' || (token.kind === 'sign' && ',)]}'.includes(token.text));
}

/** Behind what cannot be known: an expression up to its comma, its bracket or its line's end. */
function unknownFrom(tokens: readonly Token[], from: number): { readonly value: undefined; readonly next: number } {
  let depth = 0;
  let next = from;
  for (; next < tokens.length; next += 1) {
    const token = tokens[next];
    if (depth === 0 && next > from && isEnd(token)) break;
    if (token?.kind !== 'sign') continue;
    if ('([{'.includes(token.text)) depth += 1;
    if (')]}'.includes(token.text)) depth -= 1;
    if (depth < 0) break;
  }
  return { value: undefined, next: Math.max(next, from + 1) };
}

function lineFrom(tokens: readonly Token[], from: number): string {
  const end = tokens.findIndex(({ kind }, index) => index > from && kind === 'line');
  return tokens
    .slice(from, end < 0 ? undefined : end)
    .map(({ text }) => text)
    .join(' ');
}

const pattern = new RegExp(
  [
    String.raw`(?<blank>(?:[ \t\f\r]|\\\r?\n|#[^\n]*)+)`,
    String.raw`(?<line>\n)`,
    String.raw`(?<prefix>[rRbBuUfF]{0,2})(?:(?<triple>"""|''')(?<long>(?:\\[\s\S]|(?!\k<triple>)[\s\S])*)(?:\k<triple>|$)|(?<quote>["'])(?<short>(?:\\[\s\S]|(?!\k<quote>)[^\n\\])*)(?:\k<quote>|(?=\n)|$))`,
    String.raw`(?<name>[\p{L}_][\p{L}\p{N}_]*)`,
    String.raw`(?<sign>==|!=|<=|>=|:=|->|[\s\S])`,
  ].join('|'),
  'gu',
);

/** Names, texts, signs and the ends of lines; within brackets a line does not end. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (const found of text.replace(/^\uFEFF/, '').matchAll(pattern)) {
    const { line, long, short, prefix, name, sign } = found.groups ?? {};
    const atStart = found.index === 0 || found.input[found.index - 1] === '\n';
    const body = long ?? short;
    if (line !== undefined && depth === 0) tokens.push({ kind: 'line', text: '\n', atStart });
    else if (body !== undefined)
      tokens.push(
        /f|b/i.test(prefix ?? '') // what is put together or no text
          ? { kind: 'sign', text: '?', atStart }
          : { kind: 'text', text: /r/i.test(prefix ?? '') ? body : unescaped(body), atStart },
      );
    else if (name !== undefined) tokens.push({ kind: 'name', text: name, atStart });
    else if (sign !== undefined) {
      if ('([{'.includes(sign)) depth += 1;
      if (')]}'.includes(sign)) depth = Math.max(0, depth - 1);
      tokens.push({ kind: 'sign', text: sign, atStart });
    }
  }
  return tokens;
}

function unescaped(body: string): string {
  const plain: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };
  return body.replace(/\\([\s\S])/g, (_all, char: string) => plain[char] ?? (/["'\\]/.test(char) ? char : `\\${char}`));
}
