import { RestageError } from '../errors.ts';
import { unmet, type App, type Expected } from './client.ts';
import { valueAt } from './json-path.ts';
import { askUntilRight, type Answered } from './patience.ts';
import { inALine, shown } from './shown.ts';

/** One of the checks that an application tells of itself. */
export interface HealthCheck {
  readonly name: string;
  readonly healthy: boolean;
  /** Its own word, e.g. healthy, skipped, degraded. */
  readonly status: string;
  /** What else it says, in a line. */
  readonly detail?: string;
}

export interface HealthQuestion {
  readonly path: string;
  /** The verdict: fields of the body. The HTTP status alone is none. */
  readonly expect: Expected;
  /** Where the body tells its single checks. */
  readonly checks: string;
  readonly withinSeconds: number;
}

/** What an application said of itself. */
export interface Health {
  readonly answer: unknown;
  readonly checks: readonly HealthCheck[];
}

/**
 * Waits until the application's own verdict is as expected, for it may be restarting. Where it is not in the end, what was said
 * last is there with it: `app-unexpected`. Throws `app-unreachable` or `app-unexpected` where nothing that can be read was said.
 */
export async function awaitHealth(app: App, question: HealthQuestion, signal?: AbortSignal): Promise<Answered<Health>> {
  const { path, expect, checks: place, withinSeconds } = question;
  return askUntilRight({ withinSeconds, signal }, async () => {
    const answer = await app.send({ method: 'GET', path, signal });
    const checks = readChecks(valueAt(answer.body, place));
    const found: Health = { answer: inShort(answer.body), checks };
    const unlike = unmet(answer, expect);
    if (answer.status < 400 && unlike.length === 0) return { found };
    const reasons = [...(answer.status < 400 ? [] : [`HTTP ${answer.status}`]), ...unlike, ...checks.flatMap(unwell)];
    return { found, wrong: new RestageError('app-unexpected', `GET ${app.url}${path}: ${reasons.join('; ')}`) };
  });
}

/** A check that is not well, in words. */
function unwell({ name, healthy, status, detail }: HealthCheck): string[] {
  return healthy ? [] : [`${name}: ${status}${detail === undefined ? '' : `, ${detail}`}`];
}

/** What is not looked at, or not there on purpose, is not unwell. */
const healthyWords = new Set(['healthy', 'ok', 'up', 'pass', 'passed', 'success', 'skipped', 'true']);
const mostChecks = 100;

/**
 * The single checks as applications tell them: a map or a list; of each its status alone, or a map with `status` and more. A
 * list under one name holds several of that name.
 */
export function readChecks(told: unknown): readonly HealthCheck[] {
  if (typeof told !== 'object' || told === null) return [];
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(told)
    ? told.map((one: unknown, index) => [nameIn(one) ?? String(index + 1), one] as const)
    : Object.entries(told).flatMap(([name, one]: [string, unknown]) =>
        Array.isArray(one) ? one.map((part: unknown) => [name, part] as const) : [[name, one] as const],
      );
  return entries.slice(0, mostChecks).map(([name, one]) => checkOf(name, one));
}

function nameIn(one: unknown): string | undefined {
  const name = valueAt(one, 'name');
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function checkOf(name: string, told: unknown): HealthCheck {
  const isMap = typeof told === 'object' && told !== null && !Array.isArray(told);
  const { status, healthy, name: _, ...rest } = isMap ? (told as Readonly<Record<string, unknown>>) : { status: told };
  const word = status ?? healthy;
  const more = Object.entries(rest).map(([key, value]) => `${key} ${typeof value === 'string' ? value : shown(value)}`);
  const detail = inALine(more.join(', '));
  return {
    name: inALine(name, 100),
    healthy: healthyWords.has(String(word).toLowerCase()),
    status: inALine(typeof word === 'string' ? word : shown(word), 100),
    ...(detail === '' ? {} : { detail }),
  };
}

const mostAnswer = 20_000;

/** An answer as a report keeps it: of a long one the fields that are neither maps nor lists. */
function inShort(body: unknown): unknown {
  if (JSON.stringify(body).length <= mostAnswer || typeof body !== 'object' || body === null) return cut(body);
  const fields = Object.entries(body).filter(([, value]) => typeof value !== 'object' || value === null);
  return Object.fromEntries(fields.slice(0, mostChecks).map(([key, value]: [string, unknown]) => [key, cut(value)]));
}

function cut(value: unknown): unknown {
  return typeof value === 'string' && value.length > 1000 ? `${value.slice(0, 1000)}…` : value;
}
