import { createHash, type Hash } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { signChunk, signTrailer, type Signing } from './signature.ts';

const badChunk = (): AwsError =>
  new AwsError(403, 'SignatureDoesNotMatch', 'The chunk signature we calculated does not match the one you provided.');
const badFraming = (): AwsError =>
  new AwsError(400, 'IncompleteBody', 'The request body is not framed as aws-chunked promises.');
const maxLineBytes = 16 * 1024;

type State = 'size' | 'data' | 'data-end' | 'trailer' | 'done';

/**
 * Takes the aws-chunked framing off an upload and verifies the signature of every chunk and of the trailer, when they
 * are signed. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class ChunkDecoder {
  readonly trailers = new Map<string, string>();
  readonly #signing: Signing | undefined;
  readonly #emit: (data: Buffer) => void;
  readonly #hasTrailer: boolean;
  #state: State = 'size';
  #line = '';
  #left = 0;
  #last = false;
  #previous: string;
  #claimed = '';
  #hash: Hash | undefined;

  constructor(signing: Signing | undefined, hasTrailer: boolean, emit: (data: Buffer) => void) {
    this.#signing = signing;
    this.#hasTrailer = hasTrailer;
    this.#emit = emit;
    this.#previous = signing?.signature ?? '';
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'done') throw badFraming();
      if (this.#state === 'data') {
        const data = bytes.subarray(at, at + this.#left);
        this.#hash?.update(data);
        this.#emit(data);
        this.#left -= data.length;
        at += data.length;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const end = bytes.indexOf(0x0a, at);
      this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1);
      if (this.#line.length > maxLineBytes) throw badFraming();
      if (end < 0) return;
      at = end + 1;
      if (!this.#line.endsWith('\r\n')) throw badFraming();
      const line = this.#line.slice(0, -2);
      this.#line = '';
      this.#take(line);
    }
  }

  #take(line: string): void {
    if (this.#state === 'size') {
      this.#takeSize(line);
    } else if (this.#state === 'data-end') {
      if (line !== '') throw badFraming();
      this.#verifyChunk();
      this.#state = this.#last ? 'done' : 'size';
    } else {
      this.#takeTrailer(line);
    }
  }

  #takeSize(line: string): void {
    const match = /^([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (!match) throw badFraming();
    this.#left = Number.parseInt(match[1] ?? '', 16);
    this.#claimed = match[2] ?? '';
    this.#hash = this.#signing === undefined ? undefined : createHash('sha256');
    this.#last = this.#left === 0;
    if (!this.#last) this.#state = 'data';
    else if (this.#hasTrailer) {
      this.#verifyChunk();
      this.#state = 'trailer';
    } else this.#state = 'data-end';
  }

  #verifyChunk(): void {
    if (this.#signing === undefined || this.#hash === undefined) return;
    const expected = signChunk(this.#signing, this.#previous, this.#hash.digest('hex'));
    if (expected !== this.#claimed) throw badChunk();
    this.#previous = expected;
  }

  #takeTrailer(line: string): void {
    if (line !== '') {
      const colon = line.indexOf(':');
      if (colon < 1) throw badFraming();
      this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
      return;
    }
    const claimed = this.trailers.get('x-amz-trailer-signature');
    // The signature has an empty line on either side in some clients' framing, one line only in others'.
    if (this.#signing !== undefined && claimed === undefined && this.trailers.size > 0) return;
    if (this.#signing !== undefined) this.#verifyTrailer(this.#signing, claimed);
    this.#state = 'done';
  }

  #verifyTrailer(signing: Signing, claimed: string | undefined): void {
    let text = '';
    for (const [name, value] of this.trailers) if (name !== 'x-amz-trailer-signature') text += `${name}:${value}\n`;
    if (signTrailer(signing, this.#previous, text) !== claimed) throw badChunk();
  }
}
