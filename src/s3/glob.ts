/**
 * A pattern of keys. Keys are text and not paths: nothing in them is normalised, a dot means nothing, and `a//b` has an
 * empty part. That is why no library for file names serves. `*` is anything but a slash, `**` anything, `**` and a slash any
 * number of whole parts, `?` one character but a slash, `[abc]`, `[a-z]` and `[!abc]` one of or none of these, `{a,b}` one of
 * both; a backslash takes the next character as it is.
 */
export interface Glob {
  readonly pattern: string;
  /** What every key that matches begins with. */
  readonly prefix: string;
  /** Every key that begins with the prefix matches. */
  readonly isPrefix: boolean;
  matches(key: string): boolean;
}

/** Throws SyntaxError with what is wrong, for a pattern that cannot be read. */
export function readGlob(pattern: string): Glob {
  let prefix = '';
  let open = true;
  let expression = '';
  let depth = 0;
  const literal = (char: string) => {
    if (open) prefix += char;
    expression += char.replace(/[\\^$.*+?()[\]{}|/]/u, '\\$&');
  };
  const special = (text: string) => {
    open = false;
    expression += text;
  };
  const chars = Array.from(pattern); // by code points, as the expression below reads them
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '\\') {
      at += 1;
      if (at === chars.length) throw new SyntaxError('it ends with a backslash');
      literal(chars[at] ?? '');
    } else if (char === '*') {
      let stars = 1;
      for (; chars[at + 1] === '*'; at++) stars += 1;
      // Any number of whole parts, also none: **/a is a at the top too.
      const isParts = stars > 1 && chars[at + 1] === '/' && (at + 1 === stars || chars[at - stars] === '/');
      if (isParts) at += 1;
      special(isParts ? '(?:.*/)?' : stars > 1 ? '.*' : '[^/]*');
    } else if (char === '?') special('[^/]');
    else if (char === '[') {
      const end = chars.indexOf(']', at + (chars[at + 1] === '!' ? 3 : 2));
      if (end < 0) throw new SyntaxError('its [ is not closed');
      const negated = chars[at + 1] === '!';
      const inner = chars.slice(at + (negated ? 2 : 1), end).map((one) => one.replace(/[\\^[\]]/u, '\\$&'));
      special(`${negated ? '(?!/)[^' : '['}${inner.join('')}]`);
      at = end;
    } else if (char === '{') {
      depth += 1;
      special('(?:');
    } else if (char === '}' && depth > 0) {
      depth -= 1;
      special(')');
    } else if (char === ',' && depth > 0) special('|');
    else literal(char);
  }
  if (depth > 0) throw new SyntaxError('its { is not closed');
  // `s`: a key may hold line ends; `u`: a character is a code point.
  const regular = new RegExp(`^${expression}$`, 'su');
  return {
    pattern,
    prefix,
    isPrefix: expression.endsWith('.*') && /^(?:[^*?[{\\]|\\.)*\*\*+$/su.test(pattern),
    matches: (key) => regular.test(key),
  };
}
