import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { AwsError } from './aws-error.ts';
import { percentDecode } from './byte-string.ts';

/** One request as it arrived. All texts are bytes, decoded but never normalised: `//`, `.` and `..` are keys. */
export interface Request {
  readonly method: string;
  readonly path: string;
  /** In the order of the request, decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: IncomingHttpHeaders;
  readonly incoming: IncomingMessage;
  /** Asks a client that sent `Expect: 100-continue` for the body. */
  readonly invite: () => void;
}

const badUri = (): AwsError => new AwsError(400, 'InvalidURI', "Couldn't parse the specified URI.");

function decode(raw: string): string {
  const decoded = percentDecode(raw);
  if (decoded === undefined) throw badUri();
  return decoded;
}

function parseQuery(raw: string): readonly (readonly [string, string])[] {
  if (raw === '') return [];
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const text = pair.replaceAll('+', ' ');
      const equals = text.indexOf('=');
      return equals < 0 ? [decode(text), ''] : [decode(text.slice(0, equals)), decode(text.slice(equals + 1))];
    });
}

export function readRequest(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): Request {
  const target = incoming.url ?? '/';
  const mark = target.indexOf('?');
  return {
    method: incoming.method ?? 'GET',
    path: decode(mark < 0 ? target : target.slice(0, mark)),
    query: mark < 0 ? [] : parseQuery(target.slice(mark + 1)),
    headers: incoming.headers,
    incoming,
    invite: () => {
      if (expectsContinue) outgoing.writeContinue();
    },
  };
}

export function header(request: Request, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

export function parameter(request: Request, name: string): string | undefined {
  for (const [key, value] of request.query) if (key === name) return value;
  return undefined;
}
