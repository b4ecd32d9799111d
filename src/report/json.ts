import { redact } from '../errors.ts';

/** Any value as JSON for people and programs, without any secret: an application's own answers are among them. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? redact(part) : part), 2);
}
