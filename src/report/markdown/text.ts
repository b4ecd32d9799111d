/** A text of anybody's as plain words of Markdown: no character of it means anything, and it still reads well as it is. */
export function escaped(text: string): string {
  return text
    .replaceAll(/\\(?=[!-/:-@[-`{-~])/g, '\\\\')
    .replaceAll(/[`*<]/g, '\\$&')
    .replaceAll(/&(?=#?\w+;)/g, '\\&')
    .replaceAll('](', ']\\(')
    .replaceAll(/(?<![A-Za-z0-9_\\])_|_(?![A-Za-z0-9_])/g, '\\_');
}

/** A text as code, in one line. */
export function code(text: string): string {
  // oxlint-disable-next-line no-control-regex -- a key may have them
  const line = /[\u0000-\u001f\u007f]/.test(text) ? JSON.stringify(text) : text;
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``;
}

/** Lines as a block of code, whatever is in them. */
export function fenced(lines: readonly string[], language = ''): string[] {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((marks) => marks.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence];
}

/** A word for a shell, whatever characters it has. */
export function quoted(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
