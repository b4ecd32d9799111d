/** A part of a text of SQL: between two of them stands white space, or nothing. */
export interface Token {
  readonly text: string;
  readonly start: number;
  readonly kind: 'comment' | 'string' | 'name' | 'number' | 'symbol';
}

// In this order: what begins a comment is no operator, and E'' is no name. What does not end is taken up to the end.
const token = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<comment>--[^\n]*|\/\*[^]*?(?:\*\/|$))`,
    String.raw`(?<string>[eE]'(?:[^'\\]|\\[^]|'')*(?:'|$)|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*(?:'|$)|(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[^]*?(?:\k<dollar>|$))`,
    String.raw`(?<name>"(?:[^"]|"")*(?:"|$)|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<number>\d[\w.]*)`,
    String.raw`(?<symbol>::|(?:(?!--|\/\*)[-+*/<>=~!@#%^&|\x60?])+|[^])`,
  ].join('|'),
  'gu',
);

/** The tokens of a text of SQL, as the server prints it or as somebody wrote it. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  for (const { 0: text, index, groups = {} } of sql.matchAll(token)) {
    if (groups['space'] !== undefined) continue;
    const kind =
      groups['comment'] !== undefined
        ? 'comment'
        : groups['string'] !== undefined
          ? 'string'
          : groups['name'] !== undefined
            ? 'name'
            : groups['number'] !== undefined
              ? 'number'
              : 'symbol';
    tokens.push({ text, start: index, kind });
  }
  return tokens;
}

/** The same for statements that differ in nothing but white space. */
export function withoutSpace(sql: string): string {
  return tokensOf(sql)
    .map(({ text, kind }) => (kind === 'comment' ? text.trimEnd() : text))
    .join(' ');
}
