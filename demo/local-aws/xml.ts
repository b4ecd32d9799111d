import { XMLParser } from 'fast-xml-parser';
import { AwsError } from './aws-error.ts';
import { fromBytes, toBytes } from './byte-string.ts';

const special = /[&<>"\p{Cc}]/u;
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Control characters become references, as S3 writes them, although XML 1.0 has no place for most of them. */
export function escapeXml(bytes: string): string {
  if (!special.test(bytes)) return bytes;
  return bytes.replace(
    /[&<>"]|(?![\u0080-\u009f])\p{Cc}/gu,
    (char) => entities[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}

export function element(name: string, bytes: string | number | boolean | undefined): string {
  return bytes === undefined ? '' : `<${name}>${escapeXml(String(bytes))}</${name}>`;
}

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';

export function xmlDocument(root: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${content}</${root}>`;
}

const references: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

// The parser leaves some numeric references alone, so all of them are resolved here.
function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos));/g, (_, hex, decimal, name: string) => {
    if (typeof hex === 'string') return String.fromCodePoint(Number.parseInt(hex, 16));
    if (typeof decimal === 'string') return String.fromCodePoint(Number.parseInt(decimal, 10));
    return references[name] ?? '';
  });
}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  removeNSPrefix: true,
});

/** A parsed element: read it with `child`, `children` and `textOf`. */
export type XmlNode = unknown;

/** Parses a request's document (bytes) whose root must have this name. */
export function parseXml(bytes: string, root: string): XmlNode {
  try {
    const document: XmlNode = parser.parse(fromBytes(bytes), true);
    if (typeof document === 'object' && document !== null && root in document) return child(document, root);
  } catch {
    // Reported below, in S3's words.
  }
  throw malformedXml();
}

export const malformedXml = (): AwsError =>
  new AwsError(
    400,
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );

export function children(node: XmlNode, name: string): readonly XmlNode[] {
  if (typeof node !== 'object' || node === null) return [];
  const found: unknown = Reflect.get(node, name);
  if (found === undefined) return [];
  return Array.isArray(found) ? found : [found];
}

export function child(node: XmlNode, name: string): XmlNode {
  return children(node, name)[0];
}

/** The text of a child element, as bytes; undefined when there is no such element. */
export function textOf(node: XmlNode, name: string): string | undefined {
  const found = child(node, name);
  return typeof found === 'string' ? toBytes(unescapeXml(found)) : undefined;
}
