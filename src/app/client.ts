import { setTimeout as sleep } from 'node:timers/promises';
import { keepSecret, RestageError } from '../errors.ts';

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

export function appClient(url: string, headers: Readonly<Record<string, string>>): App {
  const base = url.replace(/\/+$/, '');
  for (const value of Object.values(headers)) keepSecret(value);
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
      `${where} answered HTTP ${response.status} without JSON: ${text.slice(0, 200)}`,
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

export interface Version {
  readonly version: string | undefined;
  readonly environment: string | undefined;
  readonly gitSha: string | undefined;
}

/** What the application says it is. Throws `app-unreachable` or `app-unexpected`. */
export async function readVersion(app: App, path: string, signal?: AbortSignal): Promise<Version> {
  const { status, body } = await app.send({ method: 'GET', path, signal });
  if (status !== 200) throw new RestageError('app-unexpected', `GET ${app.url}${path} answered HTTP ${status}`);
  const field = (key: string) => {
    const value = readPath(body, key);
    return typeof value === 'string' ? value : undefined;
  };
  return { version: field('version'), environment: field('environment'), gitSha: field('git_sha') };
}

export interface Migration {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks the application to migrate, once: a second request could run beside the first. Success is what the body says.
 * Throws `migrate-failed` with the application's own errors.
 */
export async function migrate(
  app: App,
  step: { method: 'POST' | 'PUT'; path: string; expect: Expected; timeoutSeconds: number },
  signal?: AbortSignal,
): Promise<Migration> {
  const answer = await app.send({ method: step.method, path: step.path, timeoutSeconds: step.timeoutSeconds, signal });
  const wrong = unmet(answer, step.expect);
  const where = `${step.method} ${app.url}${step.path}`;
  if (answer.status >= 400)
    throw new RestageError('migrate-failed', `${where} answered HTTP ${answer.status}${said(answer.body)}`, {
      hint: answer.status === 401 || answer.status === 403 ? 'Check the headers of target.app.' : undefined,
    });
  if (wrong.length > 0)
    throw new RestageError(
      'migrate-failed',
      `${where} answered HTTP ${answer.status}, but ${wrong.join('; ')}${said(answer.body)}`,
    );
  return { status: answer.status, body: answer.body };
}

/** The errors that a body tells. */
function said(body: unknown): string {
  const errors =
    readPath(body, 'errors') ?? readPath(body, 'error') ?? readPath(body, 'message') ?? readPath(body, 'detail');
  if (errors === undefined || errors === null) return '';
  return `: ${typeof errors === 'string' ? errors : JSON.stringify(errors)}`;
}

/**
 * Waits until the application's own verdict is as expected, for it may be restarting.
 * Throws `app-unexpected` with what it still said at the end, `app-unreachable` if it said nothing.
 */
export async function awaitHealth(
  app: App,
  check: { path: string; expect: Expected; withinSeconds: number },
  signal?: AbortSignal,
): Promise<AppAnswer> {
  const end = Date.now() + check.withinSeconds * 1000;
  for (;;) {
    let failure: RestageError;
    try {
      const answer = await app.send({ method: 'GET', path: check.path, signal });
      const wrong = unmet(answer, check.expect);
      if (answer.status < 400 && wrong.length === 0) return answer;
      failure = new RestageError(
        'app-unexpected',
        `GET ${app.url}${check.path}: ${wrong.join('; ') || `HTTP ${answer.status}`}${checksOf(answer.body)}`,
      );
    } catch (error) {
      if (!(error instanceof RestageError) || error.code === 'interrupted') throw error;
      failure = error;
    }
    if (Date.now() >= end) throw failure;
    await sleep(250, undefined, signal ? { signal } : {});
  }
}

/** The checks that are not well, by name. */
function checksOf(body: unknown): string {
  const checks = readPath(body, 'checks');
  if (typeof checks !== 'object' || checks === null) return '';
  const bad = Object.entries(checks).filter(
    ([, check]) => !['healthy', 'ok', 'skipped'].includes(String(readPath(check, 'status'))),
  );
  return bad.map(([name, check]) => `; ${name}: ${JSON.stringify(check)}`).join('');
}
