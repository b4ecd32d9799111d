import { isSecretName, keepSecret, redact, RestageError } from '../errors.ts';
import { valueAt } from './json-path.ts';
import { readText } from './read-text.ts';
import { inALine, shown } from './shown.ts';
import type { VersionPlace } from './version.ts';

/** The application behind an end, by its HTTP API. */
export interface App {
  readonly url: string;
  /** Where it tells its version; absent: nowhere. */
  readonly version?: VersionPlace | undefined;
  /** What it must say that its environment is. */
  readonly environment?: string | undefined;
  /** Sends one request; any answer with a JSON body is returned, whatever its status. */
  send(request: AppRequest): Promise<AppAnswer>;
  /** Sends one request; any answer is returned, as it came. */
  exchange(request: RawRequest): Promise<RawAnswer>;
}

export interface AppSettings {
  readonly version?: VersionPlace | undefined;
  readonly environment?: string | undefined;
  /** Nothing but GET and HEAD is sent: anything else is refused before. */
  readonly readOnly?: boolean;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface AppRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** Beside the end's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface RawRequest extends Omit<AppRequest, 'method' | 'body'> {
  readonly method: Method;
  /** JSON, sent as it is. */
  readonly text?: string | undefined;
  /** How long its body may be. */
  readonly maxBytes?: number;
}

export interface AppAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Fields of an answer's body and the values they must have; a dot goes deeper. */
export type Expected = Readonly<Record<string, string | number | boolean>>;

/** What is longer than this is no verdict, no version and no total; a report shall not hold it. */
const maxAnswerBytes = 1024 * 1024;

/** Of a `readOnly` one every request but GET and HEAD throws `source-readonly`. */
export function appClient(url: string, headers: Readonly<Record<string, string>>, settings: AppSettings = {}): App {
  const base = url.replace(/\/+$/, '');
  for (const [name, value] of Object.entries(headers)) if (isSecretName(name)) keepSecret(value);
  const { version, environment, readOnly = false } = settings;
  const exchange = async (request: RawRequest): Promise<RawAnswer> => {
    const { method, path } = request;
    if (readOnly && method !== 'GET' && method !== 'HEAD')
      throw new RestageError('source-readonly', `${method} ${base}${path} was not sent: the source is only read`, {
        hint: 'Nothing but GET and HEAD is sent to it. For the target: --end target',
      });
    return exchangeWith(base, headers, request);
  };
  return { url: base, version, environment, exchange, send: (request) => jsonOf(base, request, exchange) };
}

async function jsonOf(base: string, { body, ...request }: AppRequest, exchange: App['exchange']): Promise<AppAnswer> {
  const answer = await exchange({ ...request, ...(body === undefined ? {} : { text: JSON.stringify(body) }) });
  const { status, headers, text } = answer;
  const where = `${request.method} ${base}${request.path}`;
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    const to = redirection(answer);
    if (to !== undefined)
      throw new RestageError('app-unexpected', `${where} answered HTTP ${status}, and points to ${to}`, {
        hint: 'Redirections are not followed: the headers would go along. Put the right address into app.url.',
      });
    const kind = headers.get('content-type')?.split(';')[0] ?? '';
    const sort = kind === '' || kind.includes('json') ? '' : `, but ${kind}`;
    throw new RestageError(
      'app-unexpected',
      `${where} answered HTTP ${status} without JSON${sort}: ${inALine(text)}`.replace(/: $/, ''),
    );
  }
}

/** Where an answer sends whoever asked; undefined where it does not. */
export function redirection({ status, headers }: Pick<RawAnswer, 'status' | 'headers'>): string | undefined {
  const to = status >= 300 && status < 400 ? headers.get('location') : null;
  return to === null ? undefined : redact(to);
}

async function exchangeWith(
  base: string,
  headers: Readonly<Record<string, string>>,
  request: RawRequest,
): Promise<RawAnswer> {
  const { method, path, text: sent, timeoutSeconds = 15, maxBytes = maxAnswerBytes, signal } = request;
  const limit = AbortSignal.timeout(timeoutSeconds * 1000);
  const where = `${method} ${base}${path}`;
  try {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...headers,
        ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...request.headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      redirect: 'manual',
    });
    const text = await readText(response, maxBytes);
    if (text === undefined)
      throw new RestageError('app-unexpected', `${where} answered more than ${maxBytes / 1024 / 1024} MiB`, {
        hint: 'That is read no further. Ask for less, e.g. with a limit in the path.',
      });
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    if (error instanceof RestageError) throw error;
    if (signal?.aborted) throw new RestageError('interrupted', `${where} was interrupted`);
    if (limit.aborted) throw new RestageError('app-unreachable', `${where} gave no answer within ${timeoutSeconds} s`);
    throw new RestageError('app-unreachable', `${where} cannot be reached: ${causeOf(error)}`, {
      cause: error,
      hint: 'Is the application up, and its URL right?',
    });
  }
}

/** fetch hides the reason in the cause. */
export function causeOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return causeOf(error.cause);
  if (error instanceof AggregateError) return error.errors.map((one: unknown) => causeOf(one)).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** What differs from what was expected, in words; empty when nothing does. */
export function unmet(answer: AppAnswer, expected: Expected): string[] {
  const wrong = Object.entries(expected).filter(([path, value]) => valueAt(answer.body, path) !== value);
  return wrong.map(
    ([path, value]) => `${path} is ${shown(valueAt(answer.body, path))}, ${JSON.stringify(value)} expected`,
  );
}
