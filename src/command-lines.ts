import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { redact } from './errors.ts';

/** How many of the last lines are kept, and how long one is shown. */
const keptLines = 200;
const keptCharacters = 1000;
/** Of a line without an end no more than this is looked at. */
const heldCharacters = 64 * 1024;

/** Reads streams line by line, in memory that does not grow with what they bring. */
export function keepLines(onLine: (line: string) => void): {
  read(stream: Readable): void;
  last(): readonly string[];
} {
  const kept: string[] = [];
  const add = (raw: string, isCut: boolean) => {
    const line = tidyLine(raw, isCut);
    if (line === '') return;
    kept.push(line);
    if (kept.length > keptLines) kept.shift();
    onLine(line);
  };
  return {
    read: (stream) => {
      let held = '';
      let isCut = false;
      const flush = () => {
        add(held, isCut);
        held = '';
        isCut = false;
      };
      stream.setEncoding('utf8').on('data', (text: string) => {
        const [first = '', ...more] = text.split(/\r\n|\n|\r/);
        for (const [index, part] of [first, ...more].entries()) {
          if (index > 0) flush();
          const room = heldCharacters - held.length;
          isCut ||= part.length > room;
          held += part.slice(0, room);
        }
      });
      stream.once('end', flush);
      stream.on('error', () => {}); // its end is told by the program's
    },
    last: () => [...kept],
  };
}

/**
 * One line of a program as it may be shown: without colours, secrets, and values of rows where they are known by their form.
 * @param isCut the line went on
 */
function tidyLine(raw: string, isCut = false): string {
  const line = stripVTControlCharacters(redact(raw))
    // oxlint-disable-next-line no-control-regex -- what is left of them would move a terminal
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .trimEnd();
  // A secret at the cut was not recognised: the end of what was held is not shown.
  const shown = isCut ? Math.min(keptCharacters, line.length >> 1) : keptCharacters;
  return line.length > shown ? `${line.slice(0, shown)}…` : line;
}
