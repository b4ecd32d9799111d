import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Body } from './body.ts';

const memoryLimitBytes = 64 * 1024;
let files = 0;

/**
 * Collects a body: small ones in memory, larger ones in a file. Writes are synchronous: they go to the page cache, and
 * the thread has nothing better to do, so this is both the simplest and the quickest.
 */
export class BodyWriter {
  readonly #folder: string;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #file: { readonly descriptor: number; readonly path: string } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  write(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#file === undefined && this.#sizeBytes > memoryLimitBytes) this.#spill();
    if (this.#file === undefined) this.#chunks.push(chunk);
    else writeAll(this.#file.descriptor, chunk);
  }

  #spill(): void {
    const path = join(this.#folder, `body-${process.pid}-${(files += 1)}`);
    this.#file = { descriptor: openSync(path, 'wx', 0o600), path };
    for (const chunk of this.#chunks) writeAll(this.#file.descriptor, chunk);
    this.#chunks = [];
  }

  finish(): Body {
    if (this.#file === undefined) {
      // Copied where it is a window of the socket's own 64 KiB buffer, which it would otherwise keep alive.
      const bytes = Buffer.concat(this.#chunks);
      return { kind: 'memory', sizeBytes: bytes.length, bytes };
    }
    closeSync(this.#file.descriptor);
    return { kind: 'file', sizeBytes: this.#sizeBytes, path: this.#file.path, users: 1 };
  }

  discard(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file.descriptor);
    unlinkSync(this.#file.path);
    this.#file = undefined;
  }
}

function writeAll(descriptor: number, chunk: Buffer): void {
  for (let done = 0; done < chunk.length;) done += writeSync(descriptor, chunk, done);
}
