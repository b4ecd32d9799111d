import { commandComplete, copyData, countOf, errorResponse, readyForQuery, serverError } from './copy-messages.ts';
import { connectionLost } from './session-error.ts';
import type { Origin } from './session.ts';
import type { RawWire, Receiver } from './wire.ts';

/** One COPY that is read: its statement, and who is told of its rows. */
export interface Reading {
  /** `copy … to stdout (…)`; other statements may stand before and after it, none that gives rows. */
  readonly read: string;
  /** Is given every byte of the rows, as frames; it must not keep them. */
  readonly checksum?: { update(rows: Buffer): void } | undefined;
  /** Called with the bytes passed since the last call. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Buffer's own readInt32BE checks its arguments each time, and there is one for every row. */
function lengthAt(chunk: Buffer, at: number): number {
  return ((chunk[at] ?? 0) << 24) | ((chunk[at + 1] ?? 0) << 16) | ((chunk[at + 2] ?? 0) << 8) | (chunk[at + 3] ?? 0);
}

/** Chunks under way between the two sockets, each 256 KiB at most; with more the source is let wait. */
const mostInFlight = 4;

/** What the source's server sends: rows go on to the target as they are, everything else is read here. */
export class Splice implements Receiver {
  bytes = 0;
  readonly #origin: Origin;
  readonly #reading: Reading;
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

  constructor(origin: Origin, reading: Reading) {
    this.#origin = origin;
    this.#reading = reading;
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
    this.#reading.checksum?.update(rows);
    this.#reading.onBytes?.(rows.length);
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
    if (control.type === errorResponse) this.#reject(serverError(body, this.#origin, this.#reading.read));
    else if (control.type === commandComplete) this.#count = countOf(body) ?? this.#count;
    else if (control.type === readyForQuery) this.#resolve(this.#count);
  }
}
