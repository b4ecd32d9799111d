import type { Readable } from 'node:stream';

/** Shows every chunk of a body to `see`, to its end. Rejects where it breaks off. Cheaper than an async iterator. */
export function readChunks(body: Readable, see: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // What broke off before anybody listened says nothing any more.
    if (body.destroyed) throw new Error('the connection was closed in the middle of an answer');
    body.on('data', (chunk: Buffer) => {
      try {
        see(chunk);
      } catch (error) {
        body.destroy(error as Error); // whatever it is, it is what the reader is told
      }
    });
    body.on('end', resolve);
    body.on('error', reject);
    body.on('close', () => reject(new Error('the connection was closed in the middle of an answer')));
  });
}

/** A whole body, which must be small. */
export async function readBody(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await readChunks(body, (chunk) => void chunks.push(chunk));
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}

/** A body in a buffer that others will use after it. */
export interface Loan {
  readonly bytes: Buffer;
  /** Once only, when nothing will read the bytes any more; a buffer that is not given back is garbage like any other. */
  giveBack(): void;
}

const leastBytes = 320 * 1024;
const mostBytes = 1024 * 1024;
const keptAtMost = 64;
const kept: Buffer[] = [];

/**
 * A whole body, read into a buffer that is used again and again. Memory of buffers lies outside of V8's heap, which grows
 * slowly while that garbage piles up: for thousands of answers a second it would be most of what a process takes.
 */
export async function borrowBody(body: Readable): Promise<Loan> {
  let buffer = kept.pop() ?? Buffer.allocUnsafeSlow(leastBytes);
  let length = 0;
  await readChunks(body, (chunk) => {
    if (length + chunk.length > buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.ceil(1.25 * (length + chunk.length)));
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
    length += chunk.copy(buffer, length);
    // The chunk is nobody else's: its memory is given back at once, and not when V8 comes to it.
    if (chunk.byteLength === chunk.buffer.byteLength) (chunk.buffer as ArrayBuffer).transfer(0); // Node shares none
  });
  const lent = buffer;
  return {
    bytes: lent.subarray(0, length),
    giveBack: () => {
      if (lent.length <= mostBytes && kept.length < keptAtMost) kept.push(lent);
    },
  };
}
