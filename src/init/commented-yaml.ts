import { isMap, isScalar, parseDocument, stringify, type Document, type Scalar, type YAMLMap } from 'yaml';
import { configSchema } from '../config-keys.ts';

// A document of YAML with comments that say what it is, and settings that could be made.

/** How wide a comment may become. */
const width = 110;

/** A setting that could be made, after what the schema says of it. */
export function option(path: string, value: Readonly<Record<string, unknown>>): string[] {
  return [...commented(described(path)), ...setting(value)];
}

/** Lines of a setting, to stand behind # without a blank. */
export function setting(value: Readonly<Record<string, unknown>>): string[] {
  const document = parseDocument(stringify(value));
  for (const item of mapIn(document, []).items) flowLists(item.value);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd().split('\n');
}

/** Lists of plain values in one line. */
function flowLists(node: unknown): void {
  if (isMap(node)) for (const item of node.items) flowLists(item.value);
  else if (typeof node === 'object' && node !== null && 'items' in node) {
    const { items } = node as { items: unknown[] }; // a sequence, the only other node with items
    if (items.every((item) => isScalar(item))) Object.assign(node, { flow: true });
    else for (const item of items) flowLists(item);
  }
}

/** Lines of prose, to stand behind # with a blank. */
export function commented(text: string): string[] {
  // A name may hold anything, and must not end the comment that it stands in.
  const plain = text.replaceAll(/[^\P{Cc}\n]|[\u2028\u2029]/gu, ' ');
  return plain.split('\n').flatMap((line) => {
    const broken = [''];
    // A line that began with blanks would look like a setting's.
    for (const word of line.trim().split(/ +/)) {
      const last = broken.at(-1) ?? '';
      if (last !== '' && last.length + word.length > width) broken.push(` ${word}`);
      else broken[broken.length - 1] = `${last} ${word}`;
    }
    return broken;
  });
}

export function prose(text: string): string {
  return commented(text).join('\n');
}

export function lines(...parts: readonly (readonly string[])[]): string | null {
  const all = parts.flat();
  return all.length === 0 ? null : all.join('\n');
}

let schema: ReturnType<typeof configSchema> | undefined;

/** What the schema says of a setting: one text for editors, messages and this file. */
export function described(path: string): string {
  type Node = { description?: string; properties?: Record<string, Node> };
  schema ??= configSchema(); // it takes long to make
  let node = schema as Node | undefined; // the JSON Schema of objects has this shape
  for (const step of path.split('.')) node = node?.properties?.[step];
  return node?.description ?? '';
}

export function mapIn(document: Document, path: readonly string[]): YAMLMap {
  const node = path.length === 0 ? document.contents : document.getIn(path);
  if (!isMap(node)) throw new Error(`no map at ${path.join('.')}`);
  return node;
}

function keyOf(map: YAMLMap, key: string): Scalar | undefined {
  const found = map.items.find((item) => isScalar(item.key) && item.key.value === key)?.key;
  return isScalar(found) ? found : undefined;
}

export function before(map: YAMLMap, key: string, comment: string, space = false): void {
  const node = keyOf(map, key);
  if (!node) return;
  node.commentBefore = comment;
  if (space) node.spaceBefore = true;
}

/** At the end of the setting's line. */
export function after(map: YAMLMap, key: string, comment: string): void {
  const value = map.get(key, true);
  if (isScalar(value)) value.comment = ` ${comment}`;
}
