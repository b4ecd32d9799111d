import { setTimeout as sleep } from 'node:timers/promises';
import { unsetHost, type Config } from './config.ts';
import { redact } from './errors.ts';
import type { News } from './news.ts';
import { json } from './report/json.ts';
import { slackMessage } from './report/slack-message.ts';

export interface NotifyOptions {
  /** How long all of it may take, with every repetition. */
  readonly withinMs?: number | undefined;
  /** How long is waited before the first repetition; twice as long before the second. */
  readonly pauseMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Notification = Config['notify'][number];

/** How often one is tried. */
const tries = 3;
/** How long one try may take. */
const answerMs = 10_000;

/**
 * Tells everybody whom the config names how it ended, all at once. Never throws: gives a sentence for each that could not be
 * told, with the host only, as the path of such an address is a secret.
 */
export async function notify(
  notifications: Config['notify'],
  news: News,
  { withinMs = 30_000, pauseMs = 1000, signal }: NotifyOptions = {},
): Promise<readonly string[]> {
  const wanted = notifications.filter(({ on }) => on === 'always' || on === news.event);
  const until = performance.now() + withinMs;
  const told = await Promise.all(
    wanted.map((one) =>
      tell(one, news, { until, pauseMs, signal }).catch((error: unknown) =>
        untold(one, withoutPath(causeOf(error), addressOf(one))),
      ),
    ),
  );
  return told.flatMap((problem) => problem ?? []);
}

interface Patience {
  /** By the clock of `performance`. */
  readonly until: number;
  readonly pauseMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Why it could not be told; undefined where it was. */
async function tell(notification: Notification, news: News, patience: Patience): Promise<string | undefined> {
  const address = addressOf(notification);
  const { slack, headers } = notification;
  const name = slack === undefined ? 'the webhook' : 'Slack';
  if (new URL(address).host === unsetHost)
    return `${name} of notify could not be told: a variable that it uses is not set`;
  const body = slack === undefined ? webhookBody(news) : JSON.stringify(slackMessage(news));
  let problem = 'nothing was tried';
  for (let attempt = 1; attempt <= tries; attempt++) {
    const left = patience.until - performance.now();
    if (left <= 0 || patience.signal?.aborted) break;
    const answer = await send(address, { headers, body }, Math.min(answerMs, left), patience.signal);
    if (answer === 'told') return undefined;
    problem = answer.problem;
    if (!answer.again) break;
    const pause = answer.afterMs ?? patience.pauseMs * 2 ** (attempt - 1);
    // What would come too late is not waited for.
    if (attempt === tries || pause >= patience.until - performance.now()) break;
    await sleep(pause, undefined, patience.signal ? { signal: patience.signal } : {}).catch(() => undefined);
  }
  return untold(notification, problem);
}

function addressOf({ slack, webhook }: Notification): string {
  return slack ?? webhook ?? '';
}

function untold(notification: Notification, problem: string): string {
  const { host } = new URL(addressOf(notification));
  return `${notification.slack === undefined ? 'the webhook' : 'Slack'} at ${host} could not be told: ${problem}`;
}

/** `again`: it may go better another time; `afterMs`: when, if the answer says so. */
type Answer = 'told' | { readonly problem: string; readonly again: boolean; readonly afterMs?: number };

async function send(
  address: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const limit = AbortSignal.timeout(Math.ceil(limitMs));
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'User-Agent': 'restage', ...headers, 'Content-Type': 'application/json' },
      body,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      redirect: 'manual',
    });
    const said = response.ok ? '' : await firstOf(response);
    await response.body?.cancel().catch(() => undefined);
    return response.ok ? 'told' : refusalOf(response, said);
  } catch (error) {
    if (signal?.aborted) return { problem: 'it was interrupted', again: false };
    if (limit.aborted) return { problem: `no answer within ${Math.ceil(limitMs / 1000)} s`, again: true };
    return { problem: withoutPath(causeOf(error), address), again: true };
  }
}

function refusalOf({ status, headers }: Response, said: string): Answer {
  const afterMs = retryAfter(headers.get('retry-after'));
  if (status >= 300 && status < 400)
    return { problem: `HTTP ${status}, which leads elsewhere and is not followed`, again: false };
  return {
    problem: `HTTP ${status}${said}`,
    again: status === 429 || status >= 500,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

/** What an answer begins with, if it is a word such as Slack's `no_service`: anything longer may repeat the address. */
async function firstOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const chunk = await reader?.read().catch(() => undefined);
  reader?.releaseLock();
  const text = chunk?.value ? new TextDecoder().decode(chunk.value.subarray(0, 100)).trim() : '';
  return /^[a-z_]{1,40}$/.test(text) ? `, ${text}` : '';
}

/** Seconds, or a moment. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** fetch hides the reason in the cause. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map((one: unknown) => causeOf(one)))].join('; ');
  if (error instanceof Error && error.cause instanceof Error) return causeOf(error.cause);
  return error instanceof Error ? error.message : String(error);
}

function withoutPath(text: string, address: string): string {
  const { pathname, search } = new URL(address);
  const secret = [address, pathname + search, pathname].filter((part) => part.length > 1);
  return redact(secret.reduce((rest, part) => rest.replaceAll(part, '…'), text));
}

/** More than that many a receiver does not take. */
const mostBytes = 1_000_000;

/** The news as JSON; where a run had very many steps, without those. */
function webhookBody(news: News): string {
  const whole = json(news);
  if (!news.report || Buffer.byteLength(whole) <= mostBytes) return whole;
  const { steps, unmasked = [], drift: _, migrations: __, objects: ___, ...rest } = news.report;
  const { notes, remarks, failure, source, target, ...essence } = rest;
  const report = {
    ...essence,
    source: withoutHistory(source),
    target: withoutHistory(target),
    ...(failure ? { failure: { ...failure, message: failure.message.slice(0, 10_000) } } : {}),
    notes: notes.slice(0, 100),
    remarks: remarks.slice(0, 100),
    unmasked: unmasked.slice(0, 100),
    steps: steps.filter(({ outcome }) => outcome.status === 'failed').slice(0, 10),
    objects: [],
    shortened: true,
  };
  return json({ ...news, report });
}

/** A history may be of many thousand migrations. */
function withoutHistory<End extends NonNullable<News['report']>['source']>(end: End): End {
  return end.database ? { ...end, database: { ...end.database, versions: [] } } : end;
}
