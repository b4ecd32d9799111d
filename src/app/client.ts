import { valueAt } from './json-path.ts';
import { isSecretName, keepSecret, redact, RestageError } from '../errors.ts';

/** The application behind an end, by its HTTP API. */
export interface App {
  readonly url: string;
  /** Sends one request; any answer with a JSON body is returned, whatever its status. */
  send(request: AppRequest): Promise<AppAnswer>;
}

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

export interface AppAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Fields of an answer's body and the values they must have; a dot goes deeper. */
export type Expected = Readonly<Record<string, string | number | boolean>>;

export function appClient(url: string, headers: Readonly<Record<string, string>>): App {
  const base = url.replace(/\/+$/, '');
  for (const [name, value] of Object.entries(headers)) if (isSecretName(name)) keepSecret(value);
  return { url: base, send: (request) => sendTo(base, headers, request) };
}

async function sendTo(
  base: string,
  headers: Readonly<Record<string, string>>,
  request: AppRequest,
): Promise<AppAnswer> {
  const { method, path, body, timeoutSeconds = 15, signal } = request;
  const limit = AbortSignal.timeout(timeoutSeconds * 1000);
  const where = `${method} ${base}${path}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(base + path, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      redirect: 'manual',
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw new RestageError('interrupted', `${where} was interrupted`);
    if (limit.aborted) throw new RestageError('app-unreachable', `${where} gave no answer within ${timeoutSeconds} s`);
    throw new RestageError('app-unreachable', `${where} cannot be reached: ${causeOf(error)}`, {
      cause: error,
      hint: 'Is the application up, and its URL right?',
    });
  }
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    throw new RestageError(
      'app-unexpected',
      `${where} answered HTTP ${response.status} without JSON: ${redact(text).slice(0, 200)}`,
    );
  }
}

/** fetch hides the reason in the cause. */
function causeOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return causeOf(error.cause);
  if (error instanceof AggregateError) return error.errors.map((one: unknown) => causeOf(one)).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** What differs from what was expected, in words; empty when nothing does. */
export function unmet(answer: AppAnswer, expected: Expected): string[] {
  const wrong = Object.entries(expected).filter(([path, value]) => valueAt(answer.body, path) !== value);
  return wrong.map(
    ([path, value]) =>
      `${path} is ${JSON.stringify(valueAt(answer.body, path)) ?? 'missing'}, ${JSON.stringify(value)} expected`,
  );
}
