import { createCipheriv, createHash, createSecretKey, hash } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** An object's content. Immutable, and shared by copies of the object. */
export type Body =
  | { readonly kind: 'memory'; readonly sizeBytes: number; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly path: string; users: number }
  | { readonly kind: 'synthesized'; readonly sizeBytes: number; readonly seed: number }
  | { readonly kind: 'joined'; readonly sizeBytes: number; readonly slices: readonly Slice[] };

export interface Slice {
  readonly body: Body;
  readonly start: number;
  readonly sizeBytes: number;
}

const chunkBytes = 256 * 1024;
const blockBytes = 16;
const zeros = Buffer.alloc(chunkBytes + blockBytes);

const synthesisKey = createSecretKey(Buffer.alloc(16));

// A cipher in counter mode is a generator that can start anywhere, at gigabytes a second.
function synthesize(seed: number, start: number, sizeBytes: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeDoubleBE(seed);
  counter.writeBigUInt64BE(BigInt(Math.floor(start / blockBytes)), 8);
  const skip = start % blockBytes;
  const cipher = createCipheriv('aes-128-ctr', synthesisKey, counter);
  return cipher.update(zeros.subarray(0, skip + sizeBytes)).subarray(skip);
}

function* readFile(path: string, start: number, sizeBytes: number): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    for (let done = 0; done < sizeBytes;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, sizeBytes - done));
      const count = readSync(file, chunk, 0, chunk.length, start + done);
      if (count === 0) throw new Error(`${path} ended early`);
      done += count;
      yield chunk.subarray(0, count);
    }
  } finally {
    closeSync(file);
  }
}

/** The bytes from `start`, in chunks of at most 256 KiB. */
export function* read(body: Body, start = 0, sizeBytes = body.sizeBytes - start): Generator<Buffer> {
  switch (body.kind) {
    case 'memory':
      yield body.bytes.subarray(start, start + sizeBytes);
      return;
    case 'file':
      yield* readFile(body.path, start, sizeBytes);
      return;
    case 'synthesized':
      for (let done = 0; done < sizeBytes; done += chunkBytes)
        yield synthesize(body.seed, start + done, Math.min(chunkBytes, sizeBytes - done));
      return;
    case 'joined':
      yield* readJoined(body.slices, start, start + sizeBytes);
  }
}

function* readJoined(slices: readonly Slice[], start: number, end: number): Generator<Buffer> {
  let offset = 0;
  for (const slice of slices) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, slice.sizeBytes);
    if (from < to) yield* read(slice.body, slice.start + from, to - from);
    offset += slice.sizeBytes;
  }
}

/** The same content, but for one bit in the byte at `at`; it has no use of `body` of its own. */
export function flipped(body: Body, at: number): Body {
  const [chunk] = read(body, at, Math.min(1, body.sizeBytes));
  const byte = chunk?.[0];
  if (byte === undefined) return body;
  const slices = [
    { body, start: 0, sizeBytes: at },
    whole({ kind: 'memory', sizeBytes: 1, bytes: Buffer.from([byte ^ 1]) }),
    { body, start: at + 1, sizeBytes: body.sizeBytes - at - 1 },
  ];
  return { kind: 'joined', sizeBytes: body.sizeBytes, slices };
}

/** Shows every byte to `look`, letting other requests pass now and then. */
export async function scan(slice: Slice, look: (chunk: Buffer) => void): Promise<void> {
  let since = 0;
  for (const chunk of read(slice.body, slice.start, slice.sizeBytes)) {
    look(chunk);
    since += chunk.length;
    if (since >= 4 * 1024 * 1024) {
      since = 0;
      await nextTurn();
    }
  }
}

export function whole(body: Body): Slice {
  return { body, start: 0, sizeBytes: body.sizeBytes };
}

export async function md5(slice: Slice): Promise<string> {
  if (slice.sizeBytes <= chunkBytes) {
    const [only, ...more] = read(slice.body, slice.start, slice.sizeBytes);
    if (more.length === 0) return hash('md5', only ?? '', 'hex');
  }
  const running = createHash('md5');
  await scan(slice, (chunk) => running.update(chunk));
  return running.digest('hex');
}

export function readAll(body: Body): Buffer {
  return body.kind === 'memory' ? body.bytes : Buffer.concat([...read(body)]);
}

/** One more object uses this body. */
export function share(body: Body): Body {
  if (body.kind === 'file') body.users += 1;
  else if (body.kind === 'joined') for (const slice of body.slices) share(slice.body);
  return body;
}

/** One object less uses this body; the last one takes the file along. */
export function release(body: Body): void {
  if (body.kind === 'file') {
    body.users -= 1;
    if (body.users === 0) unlinkSync(body.path);
  } else if (body.kind === 'joined') {
    for (const slice of body.slices) release(slice.body);
  }
}
