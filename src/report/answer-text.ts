import { parseExactly } from '../app/exact-json.ts';
import { readJsonPath, valueAt } from '../app/json-path.ts';
import { redact, RestageError } from '../errors.ts';
import type { ApiAnswer } from '../request.ts';

/** The body: JSON indented for people where they want it, anything else as it came. */
export function bodyText({ text }: Pick<ApiAnswer, 'text'>, { indented }: { readonly indented: boolean }): string {
  const body = indented ? jsonOf(text) : undefined;
  return redact(body ? JSON.stringify(body.value, undefined, 2) : text.replace(/\n$/, ''));
}

/** The body as a value: of JSON what it says, else the text. */
export function bodyValue({ text }: Pick<ApiAnswer, 'text'>): unknown {
  const body = jsonOf(text);
  return body ? body.value : text;
}

/** One value of the body. Throws `usage` for what is no way into one, `app-unexpected` where nothing is there. */
export function valueIn(
  { text, request, status }: Pick<ApiAnswer, 'text' | 'request' | 'status'>,
  read: string,
): unknown {
  const body = jsonOf(text);
  if (!body) throw new RestageError('app-unexpected', `${request} answered HTTP ${status} without JSON`);
  const value = valueAt(body.value, requireJsonPath(read));
  if (value !== undefined) return value;
  throw new RestageError('app-unexpected', `${request} answered HTTP ${status} without ${read}`, {
    hint: fieldsOf(body.value),
  });
}

/** Strings bare, everything else as JSON. */
export function valueText(value: unknown, { indented }: { readonly indented: boolean }): string {
  return redact(typeof value === 'string' ? value : JSON.stringify(value, undefined, indented ? 2 : 0));
}

/** Throws `usage` for what is no way into a body. */
export function requireJsonPath(read: string): string {
  try {
    readJsonPath(read);
    return read;
  } catch (error) {
    throw new RestageError('usage', (error as Error).message); // a SyntaxError
  }
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseExactly(text) };
  } catch {
    return undefined;
  }
}

function fieldsOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const names = Object.keys(body);
  return names.length === 0 ? undefined : `It has ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}.`;
}
