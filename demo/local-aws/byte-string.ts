/**
 * Inside the local AWS every text that came with a request is a string of bytes: one character, U+0000 to U+00FF, for
 * each byte of the UTF-8 original. Comparing two of them with `<` is then the byte order that S3 lists in, nothing is
 * ever normalised, and a response is written as latin1 without being encoded again.
 */
import { isUtf8 } from 'node:buffer';

const beyondAscii = /[\u0080-\u{10ffff}]/u;
const needsEncoding = /[^A-Za-z0-9\-._~]/;
const needsEncodingInPath = /[^A-Za-z0-9\-._~/]/;

export function toBytes(text: string): string {
  return beyondAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

export function fromBytes(bytes: string): string {
  return beyondAscii.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

export function isUtf8Bytes(bytes: string): boolean {
  return !beyondAscii.test(bytes) || isUtf8(Buffer.from(bytes, 'latin1'));
}

const encodeTable = (kept: RegExp): readonly string[] =>
  Array.from({ length: 256 }, (_, code) => {
    const char = String.fromCharCode(code);
    return kept.test(char) ? char : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
  });
const strict = encodeTable(/[A-Za-z0-9\-._~]/);
const path = encodeTable(/[A-Za-z0-9\-._~/]/);
// What S3 does to keys under encoding-type=url: Java's URLEncoder, with slashes left alone.
const listing = encodeTable(/[A-Za-z0-9\-._*/]/).with(0x20, '+');
const encodedInListing = /[^A-Za-z0-9\-._*/]/g;

function encodeWith(table: readonly string[], bytes: string): string {
  let out = '';
  for (let index = 0; index < bytes.length; index++) out += table[bytes.charCodeAt(index) & 0xff];
  return out;
}

/** RFC 3986, as Signature Version 4 wants names and values of a query. */
export function percentEncode(bytes: string): string {
  return needsEncoding.test(bytes) ? encodeWith(strict, bytes) : bytes;
}

/** The same for a path: slashes stay. */
export function percentEncodePath(bytes: string): string {
  return needsEncodingInPath.test(bytes) ? encodeWith(path, bytes) : bytes;
}

export function percentEncodeListed(bytes: string): string {
  return bytes.replace(encodedInListing, (char) => listing[char.charCodeAt(0) & 0xff] ?? char);
}

/** undefined when a percent sign is not followed by two hexadecimal digits. */
export function percentDecode(raw: string): string | undefined {
  if (!raw.includes('%')) return raw;
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return undefined;
  return raw.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
