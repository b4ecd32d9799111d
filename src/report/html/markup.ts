/** A piece of a page: what came from outside stands in it as text. */
export interface Markup {
  readonly markup: string;
}

/** Nothing is shown of undefined. */
export type Part = string | number | Markup | undefined | readonly Part[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The template as a piece of a page; whatever is put into it is text, unless it is a piece of a page itself. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0] ?? '';
  for (const [index, part] of parts.entries()) text += written(part) + (strings[index + 1] ?? '');
  return { markup: text };
}

/** What this program itself has written, as it is. */
export function verbatim(text: string): Markup {
  return { markup: text };
}

/** The pieces one after the other, with something between them. */
export function joined(parts: readonly Part[], between: Part): Part {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [between, part]));
}

/** A name from a database or a bucket: in one line, and turning nothing around it. */
export function named(text: string): Markup {
  return markup`<bdi>${text.replaceAll(/\r\n|[\n\r]/g, '↵').replaceAll('\t', ' ')}</bdi>`;
}

/** SQL, a key or a value, set as such. */
export function code(text: string): Markup {
  return markup`<code>${text}</code>`;
}

function written(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'object') return 'markup' in part ? part.markup : part.map(written).join('');
  return escape(String(part));
}

// What controls a device, or the direction of the text around it, is no text.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"']/g, (char) => escapes[char] ?? '')
    .replaceAll(unseen, '�');
}
