import { DatabaseError } from 'pg';
import { RestageError } from '../errors.ts';
import { connectionLost, statementError } from './session-error.ts';
import { interrupted, type Origin, type RawWire, type ReadSession, type Session } from './session.ts';

/** One COPY from one server into another: what to read, what to write. */
export interface Relay {
  /** `copy … to stdout (…)` */
  readonly read: string;
  /** `copy … from stdin (…)`, same columns, same format */
  readonly write: string;
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
  const [reading, writing] = takeBoth(source, target);
  const answers = new Answers(writing, target.origin, relay.write);
  const splice = new Splice(reading, writing, source.origin, relay);
  const stop = () => {
    reading.socket.destroy();
    writing.socket.destroy();
  };
  relay.signal?.addEventListener('abort', stop, { once: true });
  try {
    writing.socket.write(message(query, `${relay.write}\0`));
    await answers.until(copyInResponse);
    reading.socket.write(message(query, `${relay.read}\0`));
    const sent = await Promise.race([splice.rows, answers.failure]);
    writing.socket.write(message(copyDone));
    const received = await answers.until(commandComplete);
    await answers.until(readyForQuery);
    if (received !== sent)
      throw new RestageError(
        'data-differs',
        `the source sent ${sent} rows and the target took ${received}: ${relay.write}`,
      );
    splice.end();
    answers.end();
    reading.release();
    writing.release();
    return { rows: sent, bytes: splice.bytes };
  } catch (error) {
    splice.end();
    answers.end();
    stop();
    throw relay.signal?.aborted ? interrupted(relay.signal) : error;
  } finally {
    relay.signal?.removeEventListener('abort', stop);
  }
}

function takeBoth(source: ReadSession, target: Session): readonly [RawWire, RawWire] {
  const reading = source.wire.take();
  try {
    return [reading, target.wire.take()];
  } catch (error) {
    reading.release();
    throw error;
  }
}

function message(type: number, body = ''): Buffer {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body));
  bytes[0] = type;
  bytes.writeInt32BE(bytes.length - 1, 1);
  bytes.write(body, 5);
  return bytes;
}

/** `COPY 153` → 153 */
function countOf(tag: Buffer): number {
  return Number(/ (\d+)\0?$/.exec(tag.toString())?.[1] ?? Number.NaN);
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

/** What the target's server answers, one message type waited for at a time. */
class Answers {
  /** Rejects when the server fails, also while nobody waits. */
  readonly failure: Promise<never>;
  readonly #wire: RawWire;
  readonly #origin: Origin;
  readonly #sql: string;
  /** Messages that came before anybody waited for them: the count in each, by type. */
  readonly #seen = new Map<number, number>();
  #pending: Buffer = Buffer.alloc(0);
  #wanted: { readonly type: number; resolve(count: number): void } | undefined;
  #fail: (error: Error) => void = () => {};

  constructor(wire: RawWire, origin: Origin, sql: string) {
    this.#wire = wire;
    this.#origin = origin;
    this.#sql = sql;
    this.failure = new Promise<never>((_, reject) => (this.#fail = reject));
    this.failure.catch(() => {}); // told to whoever waits; nobody may be
    wire.socket.on('data', this.#onData);
    wire.socket.on('close', this.#onClose);
    wire.socket.resume();
  }

  /** Waits for a message of that type; the count in it, if it ends a command. */
  async until(type: number): Promise<number> {
    const seen = this.#seen.get(type);
    if (seen !== undefined) return seen;
    return Promise.race([new Promise<number>((resolve) => (this.#wanted = { type, resolve })), this.failure]);
  }

  end(): void {
    this.#wire.socket.off('data', this.#onData);
    this.#wire.socket.off('close', this.#onClose);
  }

  readonly #onClose = (): void => this.#fail(connectionLost(this.#origin));

  readonly #onData = (chunk: Buffer): void => {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 5) {
      const end = 1 + this.#pending.readInt32BE(1);
      if (this.#pending.length < end) return;
      const type = this.#pending[0] ?? 0;
      const body = this.#pending.subarray(5, end);
      this.#pending = this.#pending.subarray(end);
      if (type === errorResponse) this.#fail(serverError(body, this.#origin, this.#sql));
      else if (this.#wanted?.type === type) this.#wanted.resolve(countOf(body));
      else this.#seen.set(type, countOf(body));
    }
  };
}

/** Passes the CopyData frames of one socket to another; every other message stays here. */
class Splice {
  /** The rows the source sent, once it is ready for its next statement. */
  readonly rows: Promise<number>;
  bytes = 0;
  readonly #from: RawWire;
  readonly #to: RawWire;
  readonly #origin: Origin;
  readonly #relay: Relay;
  /** The start of a header that the chunk's end cut off. */
  #cut: Buffer | undefined;
  /** Bytes of the present frame still to come. */
  #left = 0;
  /** The present message, if it is not data: its type, and its body as far as it has come. */
  #control: { readonly type: number; readonly body: Buffer[] } | undefined;
  #count = Number.NaN;
  #resolve: (rows: number) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(from: RawWire, to: RawWire, origin: Origin, relay: Relay) {
    this.#from = from;
    this.#to = to;
    this.#origin = origin;
    this.#relay = relay;
    this.rows = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.rows.catch(() => {}); // told to the relay, which may have failed before
    from.socket.on('data', this.#onData);
    from.socket.on('close', this.#onClose);
    to.socket.on('drain', this.#onDrain);
    from.socket.resume();
  }

  end(): void {
    this.#from.socket.off('data', this.#onData);
    this.#from.socket.off('close', this.#onClose);
    this.#to.socket.off('drain', this.#onDrain);
  }

  readonly #onDrain = (): void => void this.#from.socket.resume();
  readonly #onClose = (): void => this.#reject(connectionLost(this.#origin));

  readonly #onData = (arrived: Buffer): void => {
    const chunk = this.#cut ? Buffer.concat([this.#cut, arrived]) : arrived;
    this.#cut = undefined;
    let passed = 0; // up to here this chunk is dealt with
    let at = 0;
    for (;;) {
      if (this.#left > 0) {
        const end = Math.min(at + this.#left, chunk.length);
        this.#left -= end - at;
        this.#control?.body.push(chunk.subarray(at, end));
        at = end;
        if (this.#control) passed = at;
      }
      if (this.#control && this.#left === 0) this.#endControl(this.#control);
      if (at === chunk.length) break;
      if (chunk.length - at < 5) {
        this.#cut = chunk.subarray(at);
        break;
      }
      const type = chunk[at] ?? 0;
      this.#left = chunk.readInt32BE(at + 1) - 4;
      if (type !== copyData) {
        this.#pass(chunk, passed, at);
        this.#control = { type, body: [] };
        passed = at + 5;
      }
      at += 5;
    }
    if (!this.#control) this.#pass(chunk, passed, at);
  };

  #pass(chunk: Buffer, start: number, end: number): void {
    if (end <= start) return;
    if (!this.#to.socket.write(chunk.subarray(start, end))) this.#from.socket.pause();
    this.bytes += end - start;
    this.#relay.onBytes?.(end - start);
  }

  #endControl(control: { readonly type: number; readonly body: Buffer[] }): void {
    this.#control = undefined;
    const body = Buffer.concat(control.body);
    if (control.type === errorResponse) this.#reject(serverError(body, this.#origin, this.#relay.read));
    else if (control.type === commandComplete) this.#count = countOf(body);
    else if (control.type === readyForQuery) this.#resolve(this.#count);
  }
}
