import { keepSecret, redact, RestageError } from '../errors.ts';

/** The application behind an end, by its HTTP API. */
export interface App {
  readonly url: string;
  /** Sends one request; any answer with a JSON body is returned, whatever its status. */
  send(request: AppRequest): Promise<AppAnswer>;
}

export interface AppRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AppAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Fields of an answer's body and the values they must have; a dot goes deeper. */
export type Expected = Readonly<Record<string, string | number | boolean>>;

const secretHeader = /key|token|secret|auth|cookie|password|credential/i;

export function appClient(url: string, headers: Readonly<Record<string, string>>): App {
  const base = url.replace(/\/+$/, '');
  // Not every header is a secret: blanking out the word of a plain one would spoil every output.
  for (const [name, value] of Object.entries(headers)) if (secretHeader.test(name)) keepSecret(value);
  return { url: base, send: (request) => sendTo(base, headers, request) };
}

async function sendTo(
  base: string,
  headers: Readonly<Record<string, string>>,
  request: AppRequest,
): Promise<AppAnswer> {
  const { method, path, timeoutSeconds = 15, signal } = request;
  const limit = AbortSignal.timeout(timeoutSeconds * 1000);
  const where = `${method} ${base}${path}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(base + path, {
      method,
      headers,
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

/** One value of a body: `page.total`, `items.0.id`. */
export function readPath(body: unknown, path: string): unknown {
  let value = body;
  for (const step of path.split('.'))
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined;
  return value;
}

/** What differs from what was expected, in words; empty when nothing does. */
export function unmet(answer: AppAnswer, expected: Expected): string[] {
  const wrong = Object.entries(expected).filter(([path, value]) => readPath(answer.body, path) !== value);
  return wrong.map(
    ([path, value]) =>
      `${path} is ${JSON.stringify(readPath(answer.body, path)) ?? 'missing'}, ${JSON.stringify(value)} expected`,
  );
}
