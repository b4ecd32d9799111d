/** Whether a text fits one of the patterns, in which `*` and `?` stand for any characters and for one. */
export function wildcards(patterns: readonly string[], flags: string): (text: string) => boolean {
  const source = patterns.map((pattern) =>
    pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.'),
  );
  const expression = new RegExp(`^(?:${source.join('|')})$`, flags);
  return (text) => expression.test(text);
}
