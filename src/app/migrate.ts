import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import { unmet, type App, type AppAnswer, type AppRequest, type Expected } from './client.ts';
import { valueAt } from './json-path.ts';
import { sendOnce, type RequestFate } from './request-fate.ts';

/** A request that migrates, and which fields of its answer mean success. */
export interface MigrateRequest extends Pick<AppRequest, 'headers' | 'body'> {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly expect: Expected;
  readonly timeoutSeconds: number;
}

/** What an application is asked for while it may still be at work. */
export interface MigratePoll {
  readonly path: string;
  readonly expect: Expected;
}

/** What came of a request: the application's own verdict, or why there is none though it may have arrived. */
export type Asked =
  | { readonly kind: 'succeeded'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly answer: unknown; readonly failure: RestageError }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Asks the application to migrate, once: a second request could run beside the first. Success is what the body says.
 * Throws `app-unreachable` where nothing was sent, and `interrupted`.
 */
export async function askToMigrate(app: App, request: MigrateRequest, signal?: AbortSignal): Promise<Asked> {
  const { method, path, expect } = request;
  const where = `${method} ${app.url}${path}`;
  const clock = performance.now();
  const found = await sendOnce(app, { ...request, signal });
  if (found.kind === 'unsent')
    throw new RestageError('app-unreachable', `${where} cannot be reached: ${found.reason}; nothing was sent`, {
      cause: found.cause,
      hint: 'Is the application up, and its URL right?',
    });
  if (found.kind === 'unanswered') return { kind: 'unknown', reason: found.reason };
  const { status } = found;
  if (isOfGateway(found, expect))
    return {
      kind: 'unknown',
      reason: `answered HTTP ${status} after ${Math.round((performance.now() - clock) / 1000)} s`,
    };
  if (found.kind === 'other-answer')
    return {
      kind: 'failed',
      answer: found.text,
      failure: new RestageError('migrate-failed', `${where} answered HTTP ${status} without JSON: ${found.text}`, {
        hint: hintOf(status) ?? 'Is migrate.http.path right? Its answer must be JSON.',
      }),
    };
  const { body } = found;
  const wrong = unmet(found, expect);
  // Accepted, and not done yet.
  if (status === 202 && wrong.length > 0 && !saysFailed(found, expect))
    return { kind: 'unknown', reason: 'answered HTTP 202: it has only begun' };
  const verdict = status >= 400 ? `HTTP ${status}` : `HTTP ${status}, but ${wrong.join('; ')}`;
  if (status < 400 && wrong.length === 0) return { kind: 'succeeded', answer: body };
  return {
    kind: 'failed',
    answer: body,
    failure: new RestageError('migrate-failed', `${where} answered ${verdict}${said(body)}`, { hint: hintOf(status) }),
  };
}

/** 502, 503 and 504 are a gateway's, which gave up on an application at work; unless the body is what the application tells. */
function isOfGateway(found: Extract<RequestFate, { readonly status: number }>, expect: Expected): boolean {
  if (![502, 503, 504].includes(found.status)) return false;
  return found.kind === 'other-answer' || Object.keys(expect).some((path) => valueAt(found.body, path) === undefined);
}

function hintOf(status: number): string | undefined {
  if (status === 401 || status === 403) return 'Check the headers of target.app, or of the step in migrate.';
  if (status >= 300 && status < 400) return 'Redirects are not followed: write the path that it leads to.';
  return status === 404 || status === 405 ? 'Check path and method of the step in migrate.' : undefined;
}

/** Words of an application for what will not become success by waiting. */
function saysFailed({ body }: AppAnswer, expect: Expected): boolean {
  return Object.keys(expect).some((path) => /^(failed|failure|error|partial)$/i.test(String(valueAt(body, path))));
}

/**
 * Asks until the answer is as expected. Returns what it said last where that is failure, or `withinMs` have passed.
 * Throws `interrupted` only: an application that migrates may not answer for a while.
 */
export async function awaitMigrated(
  app: App,
  { path, expect }: MigratePoll,
  withinMs: number,
  signal: AbortSignal,
): Promise<Asked> {
  const where = `GET ${app.url}${path}`;
  const end = performance.now() + withinMs;
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 1.5, 5000)) {
    const found = await sendOnce(app, { method: 'GET', path, signal });
    let reason: string;
    if (found.kind === 'answer') {
      const wrong = unmet(found, expect);
      if (found.status < 400 && wrong.length === 0) return { kind: 'succeeded', answer: found.body };
      reason = `${where} answered HTTP ${found.status}${wrong.length > 0 ? `, and ${wrong.join('; ')}` : ''}${said(found.body)}`;
      if (saysFailed(found, expect))
        return { kind: 'failed', answer: found.body, failure: new RestageError('migrate-failed', reason) };
    } else
      reason =
        found.kind === 'other-answer'
          ? `${where} answered HTTP ${found.status} without JSON`
          : `${where} ${found.kind === 'unsent' ? `cannot be reached: ${found.reason}` : found.reason}`;
    if (performance.now() >= end) return { kind: 'unknown', reason };
    await sleep(Math.min(waitMs, Math.max(0, end - performance.now())), undefined, { signal }).catch(() => {});
    if (signal.aborted) throw new RestageError('interrupted', `${where} was interrupted`);
  }
}

const longestSaid = 2000;

/** The errors that a body tells, whatever form they have; not more than a page of them. */
function said(body: unknown): string {
  const told = ['errors', 'error', 'message', 'detail'].flatMap((name) => {
    const value = Array.isArray(body) ? undefined : valueAt(body, name);
    return isNothing(value) ? [] : [value];
  });
  const [errors] = told;
  if (errors === undefined) return '';
  const lines = wordsOf(errors);
  const text = lines.length === 1 ? `: ${lines[0]}` : `:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  return text.length > longestSaid ? `${text.slice(0, longestSaid)}…` : text;
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** Each error in a line. */
function wordsOf(errors: unknown): string[] {
  if (Array.isArray(errors)) return errors.flatMap((one: unknown) => wordsOf(one));
  if (typeof errors !== 'object' || errors === null)
    return [
      String(errors)
        .replaceAll(/\s*\n\s*/g, ' / ')
        .trim(),
    ];
  const message = valueAt(errors, 'message') ?? valueAt(errors, 'detail') ?? valueAt(errors, 'msg');
  const rest = Object.entries(errors).filter(([, value]) => value !== message);
  const named = rest.map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  if (typeof message !== 'string') return named.flatMap((line) => wordsOf(line));
  return wordsOf(named.length === 0 ? message : `${message} (${named.join(', ')})`);
}
