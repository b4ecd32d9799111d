import { createHash, createHmac } from 'node:crypto';
import { keepSecret } from '../errors.ts';

// HMAC by its definition (RFC 2104): two hashes, each begun with the key padded to a block and mixed with a constant. The
// server is given the two pads, and never the key.

const blockBytes = 64;

/** The settings of a session that masks: both pads of the key, in hex. The key and they are secrets from here on. */
export function maskSettings(key: string): Record<string, string> {
  const bytes = Buffer.from(keepSecret(key));
  const block = Buffer.alloc(blockBytes);
  (bytes.length > blockBytes ? createHash('sha256').update(bytes).digest() : bytes).copy(block);
  const pad = (mixed: number) => keepSecret(Buffer.from(block.map((byte) => byte ^ mixed)).toString('hex'));
  return { 'restage.inner_pad': pad(0x36), 'restage.outer_pad': pad(0x5c) };
}

/** The print of the key that an end's sessions mask by; undefined where they have none. */
export function keyPrintOf(settings: Readonly<Record<string, string>> | undefined): string | undefined {
  const pad = settings?.['restage.inner_pad'];
  // The key padded to a block is the same key to HMAC.
  return pad === undefined ? undefined : keyPrint(Buffer.from(Buffer.from(pad, 'hex').map((byte) => byte ^ 0x36)));
}

/** What says that two runs had the same key, and nothing else of it: 8 hex digits. */
export function keyPrint(key: string | Uint8Array): string {
  return createHmac('sha256', key).update('restage key print').digest('hex').slice(0, 8);
}
