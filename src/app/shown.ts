import { redact } from '../errors.ts';

/** A value of an answer in a message: as JSON, redacted, and not longer than a person reads. */
export function shown(value: unknown, most = 200): string {
  return value === undefined ? 'missing' : shortened(redact(JSON.stringify(value)), most);
}

/** What an application said, in one line: redacted, and nothing in it that a terminal would act on. */
export function inALine(said: string, most = 200): string {
  return shortened(redact(said.replaceAll(unprinted, ' ').trim()), most);
}

const unprinted = /[\s\p{Cc}]+/gu;

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
