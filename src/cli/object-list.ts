import { closeSync, openSync, writeFileSync } from 'node:fs';

/** A list of objects in a file, a line of JSON each: written as they come, and never held. */
export interface ObjectList extends Disposable {
  add(line: object): void;
  /** Why it is not complete, in the system's words. */
  readonly problem: string | undefined;
}

const bufferedCharacters = 64 * 1024;

/**
 * The file is made with its first line, readable by its owner only. Never throws: what a disk does not take is told by
 * `problem`, and does not end a run.
 */
export function objectList(file: () => string): ObjectList {
  let descriptor: number | undefined;
  let buffer = '';
  let problem: string | undefined;
  const flush = () => {
    if (buffer === '') return;
    try {
      if (problem === undefined) writeFileSync((descriptor ??= openSync(file(), 'a', 0o600)), buffer);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    buffer = '';
  };
  return {
    get problem() {
      return problem;
    },
    add: (line) => {
      buffer += `${JSON.stringify(line)}\n`;
      if (buffer.length >= bufferedCharacters) flush();
    },
    [Symbol.dispose]: () => {
      flush();
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
