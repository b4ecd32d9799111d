import { RestageError } from '../errors.ts';
import {
  commandComplete,
  copyDone,
  copyInResponse,
  countOf,
  errorResponse,
  message,
  query,
  readyForQuery,
  serverError,
} from './copy-messages.ts';
import { Splice, type Reading } from './copy-splice.ts';
import { connectionLost } from './session-error.ts';
import { interrupted, type Origin, type ReadSession, type Session } from './session.ts';
import type { RawWire, Receiver } from './wire.ts';

/** One COPY from one server into another: what to read, what to write. */
export interface Relay extends Reading {
  /** `copy … from stdin (…)`, same columns, same format; others likewise. */
  readonly write: string;
}

export interface Relayed {
  readonly rows: number;
  readonly bytes: number;
}

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
export async function readCopy(source: ReadSession, reading: Reading): Promise<Relayed> {
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
