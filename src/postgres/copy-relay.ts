import { DatabaseError } from 'pg';
import { RestageError } from '../errors.ts';
import { connectionLost, statementError } from './session-error.ts';
import { interrupted, type Origin, type ReadSession, type Session } from './session.ts';
import type { RawWire, Receiver } from './wire.ts';

/** One COPY from one server into another: what to read, what to write. */
export interface Relay {
  /** `copy … to stdout (…)`; other statements may stand before and after it, none that gives rows. */
  readonly read: string;
  /** `copy … from stdin (…)`, same columns, same format; others likewise. */
  readonly write: string;
  /** Is given every byte of the rows, as frames; it must not keep them. */
  readonly checksum?: { update(rows: Buffer): void } | undefined;
  /** Called with the bytes passed since the last call. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Relayed {
  readonly rows: number;
  readonly bytes: number;
}

// Message types of the frontend/backend protocol, version 3.
const copyData = 0x64; // d
const copyDone = 0x63; // c, both ways
const commandComplete = 0x43; // C
const errorResponse = 0x45; // E
const query = 0x51; // Q
const copyInResponse = 0x47; // G
const readyForQuery = 0x5a; // Z

/**
 * Relays the frames of COPY OUT into COPY IN, socket to socket. They are the same bytes in both directions, so nothing
 * is decoded: only the 5-byte headers are looked at, to see where the data ends.
 * Throws `statement-failed` with the words of the server that failed; `data-differs` when the two servers count
 * different rows; `database-lost`. After a failure both sessions are closed: a COPY has no other way to stop half-way.
 */
export async function relayCopy(source: ReadSession, target: Session, relay: Relay): Promise<Relayed> {
  relay.signal?.throwIfAborted();
  const answers = new Answers(target.origin, relay.write);
  const splice = new Splice(source.origin, relay);
  const reading = source.wire.take(splice);
  let writing: RawWire;
  try {
    writing = target.wire.take(answers);
  } catch (error) {
    reading.release();
    throw error;
  }
  const stop = () => {
    reading.destroy();
    writing.destroy();
  };
  relay.signal?.addEventListener('abort', stop, { once: true });
  try {
    writing.write(message(query, `${relay.write}\0`));
    await answers.until(copyInResponse);
    const sending = splice.begin(reading, writing);
    reading.write(message(query, `${relay.read}\0`));
    const sent = await Promise.race([sending, answers.failure]);
    writing.write(message(copyDone));
    const received = await answers.until(commandComplete);
    await answers.until(readyForQuery);
    if (received !== sent)
      throw new RestageError(
        'data-differs',
        `the source sent ${sent} rows and the target took ${received}: ${relay.write}`,
      );
    reading.release();
    writing.release();
    return { rows: sent, bytes: splice.bytes };
  } catch (error) {
    stop();
    throw relay.signal?.aborted ? interrupted(relay.signal) : error;
  } finally {
    relay.signal?.removeEventListener('abort', stop);
  }
}

/**
 * Reads the frames of a COPY OUT, which go nowhere but into the checksum. Throws as `relayCopy` does; after a failure the
 * session is closed.
 */
export async function readCopy(source: ReadSession, reading: Omit<Relay, 'write'>): Promise<Relayed> {
  reading.signal?.throwIfAborted();
  const splice = new Splice(source.origin, reading);
  const wire = source.wire.take(splice);
  const stop = () => wire.destroy();
  reading.signal?.addEventListener('abort', stop, { once: true });
  try {
    const sending = splice.begin(wire, undefined);
    wire.write(message(query, `${reading.read}\0`));
    const rows = await sending;
    wire.release();
    return { rows, bytes: splice.bytes };
  } catch (error) {
    stop();
    throw reading.signal?.aborted ? interrupted(reading.signal) : error;
  } finally {
    reading.signal?.removeEventListener('abort', stop);
  }
}

function message(type: number, body = ''): Buffer {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body));
  bytes[0] = type;
  bytes.writeInt32BE(bytes.length - 1, 1);
  bytes.write(body, 5);
  return bytes;
}

/** `COPY 153` → 153; undefined for the end of another command. */
function countOf(tag: Buffer): number | undefined {
  const found = /^COPY (\d+)/.exec(tag.toString());
  return found ? Number(found[1]) : undefined;
}

function serverError(body: Buffer, origin: Origin, sql: string): RestageError {
  const error = new DatabaseError('the server gave no message', body.length, 'error');
  for (const field of body.toString().split('\0')) {
    const value = field.slice(1);
    if (field.startsWith('M')) error.message = value;
    if (field.startsWith('C')) error.code = value;
    if (field.startsWith('D')) error.detail = value;
    // Where: table, line and column of a COPY, of more use than a hint here; what follows is the row itself.
    if (field.startsWith('W')) error.hint = /^COPY [^\n]*?, line \d+(?:, column [^:\n]+)?/.exec(value)?.[0];
  }
  return statementError(error, origin, sql);
}

/** Buffer's own readInt32BE checks its arguments each time, and there is one for every row. */
function lengthAt(chunk: Buffer, at: number): number {
  return ((chunk[at] ?? 0) << 24) | ((chunk[at + 1] ?? 0) << 16) | ((chunk[at + 2] ?? 0) << 8) | (chunk[at + 3] ?? 0);
}

/** What the target's server answers, one message type waited for at a time. */
class Answers implements Receiver {
  /** Rejects when the server fails, also while nobody waits. */
  readonly failure: Promise<never>;
  /** After it no message is a success: what comes then ends the failed transaction. */
  #failed = false;
  readonly #origin: Origin;
  readonly #sql: string;
  /** Messages that came before anybody waited for them: the count in each, by type. */
  readonly #seen = new Map<number, number>();
  #pending: Buffer = Buffer.alloc(0);
  #wanted: { readonly type: number; resolve(count: number): void } | undefined;
  #fail: (error: Error) => void = () => {};

  constructor(origin: Origin, sql: string) {
    this.#origin = origin;
    this.#sql = sql;
    this.failure = new Promise<never>((_, reject) => {
      this.#fail = (error) => {
        this.#failed = true;
        reject(error);
      };
    });
    this.failure.catch(() => {}); // told to whoever waits; nobody may be
  }

  /** Waits for a message of that type; the count in it, if it ends the COPY. */
  async until(type: number): Promise<number> {
    if (this.#failed) return this.failure;
    const seen = this.#seen.get(type);
    if (seen !== undefined) return seen;
    return Promise.race([new Promise<number>((resolve) => (this.#wanted = { type, resolve })), this.failure]);
  }

  onClose(cause?: Error): void {
    this.#fail(connectionLost(this.#origin, cause));
  }

  onChunk(chunk: Buffer, done: () => void): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    done();
    while (this.#pending.length >= 5) {
      const end = 1 + this.#pending.readInt32BE(1);
      if (this.#pending.length < end) return;
      const type = this.#pending[0] ?? 0;
      const body = this.#pending.subarray(5, end);
      this.#pending = this.#pending.subarray(end);
      if (type === errorResponse) this.#fail(serverError(body, this.#origin, this.#sql));
      const count = type === commandComplete ? countOf(body) : 0;
      if (count === undefined) continue; // another command's end
      if (this.#wanted?.type === type) this.#wanted.resolve(count);
      else this.#seen.set(type, count);
    }
  }
}

/** Chunks under way between the two sockets, each 256 KiB at most; with more the source is let wait. */
const mostInFlight = 4;

/** What the source's server sends: rows go on to the target as they are, everything else is read here. */
class Splice implements Receiver {
  bytes = 0;
  readonly #origin: Origin;
  readonly #relay: Omit<Relay, 'write'>;
  #from: RawWire | undefined;
  #to: RawWire | undefined;
  /** The header that a chunk's end has cut: its first bytes. */
  readonly #head = Buffer.alloc(5);
  #headLength = 0;
  /** Bytes of the present message that are still to come. */
  #left = 0;
  /** The present message, if it is not a row: its type, and its body as far as it has come. */
  #control: { readonly type: number; readonly body: Buffer[] } | undefined;
  #inFlight = 0;
  #count = Number.NaN;
  #resolve: (rows: number) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(origin: Origin, relay: Omit<Relay, 'write'>) {
    this.#origin = origin;
    this.#relay = relay;
  }

  /** From now on rows go from one to the other, if there is another. Resolves to their number when the server is ready for another query. */
  begin(from: RawWire, to: RawWire | undefined): Promise<number> {
    this.#from = from;
    this.#to = to;
    const rows = new Promise<number>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    rows.catch(() => {}); // told to the relay, which may have failed before
    return rows;
  }

  onClose(cause?: Error): void {
    this.#reject(connectionLost(this.#origin, cause));
  }

  onChunk(chunk: Buffer, done: () => void): void {
    let holders = 1;
    const letGo = () => {
      if (--holders === 0) done();
    };
    const pass = (start: number, end: number) => {
      if (end <= start) return;
      holders++;
      this.#pass(chunk.subarray(start, end), letGo);
    };
    const { length } = chunk;
    let passed = 0; // up to here this chunk is dealt with
    let at = this.#headLength === 0 ? 0 : this.#completeHead(chunk);
    if (this.#control || (this.#headLength > 0 && this.#head[0] !== copyData)) passed = at;
    while (this.#headLength === 0) {
      const end = Math.min(at + this.#left, length);
      this.#left -= end - at;
      if (this.#control) {
        this.#control.body.push(Buffer.from(chunk.subarray(at, end)));
        passed = end;
        if (this.#left === 0) this.#endControl(this.#control);
      }
      at = end;
      if (at === length) break;
      // From header to header, until one that is no row's or lies beyond this chunk.
      while (at + 5 <= length && chunk[at] === copyData) at += 1 + lengthAt(chunk, at + 1);
      if (at >= length) {
        this.#left = at - length;
        at = length;
        break;
      }
      if (chunk[at] !== copyData) {
        pass(passed, at);
        passed = length; // what is left of it is not rows, or is set anew below
      }
      at += this.#completeHead(chunk.subarray(at));
      if (this.#control) passed = at;
    }
    pass(passed, length);
    letGo();
  }

  /** Reads a header, or what this chunk has of it. Returns how many bytes of the chunk it took. */
  #completeHead(chunk: Buffer): number {
    const taken = chunk.copy(this.#head, this.#headLength, 0, 5 - this.#headLength);
    this.#headLength += taken;
    if (this.#headLength < 5) return taken;
    this.#headLength = 0;
    const type = this.#head[0] ?? 0;
    this.#left = this.#head.readInt32BE(1) - 4;
    this.#control = type === copyData ? undefined : { type, body: [] };
    return taken;
  }

  #pass(rows: Buffer, done: () => void): void {
    this.bytes += rows.length;
    this.#relay.checksum?.update(rows);
    this.#relay.onBytes?.(rows.length);
    if (!this.#to) return done();
    this.#inFlight++;
    if (this.#inFlight === mostInFlight) this.#from?.flow(false);
    this.#to.write(rows, () => {
      done();
      this.#inFlight--;
      if (this.#inFlight === mostInFlight / 2) this.#from?.flow(true);
    });
  }

  #endControl(control: { readonly type: number; readonly body: Buffer[] }): void {
    this.#control = undefined;
    const body = Buffer.concat(control.body);
    if (control.type === errorResponse) this.#reject(serverError(body, this.#origin, this.#relay.read));
    else if (control.type === commandComplete) this.#count = countOf(body) ?? this.#count;
    else if (control.type === readyForQuery) this.#resolve(this.#count);
  }
}
