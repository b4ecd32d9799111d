import { setTimeout as sleep } from 'node:timers/promises';
import { RestageError } from '../errors.ts';
import { unmet, type App, type AppAnswer, type Expected } from './client.ts';
import { valueAt } from './json-path.ts';

/** One of the checks that an application tells of itself. */
export interface HealthCheck {
  readonly name: string;
  readonly healthy: boolean;
  /** Its own word, e.g. healthy, skipped, degraded. */
  readonly status: string;
  /** What else it says, in a line. */
  readonly detail?: string;
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
  const checks = valueAt(body, 'checks');
  if (typeof checks !== 'object' || checks === null) return '';
  const bad = Object.entries(checks).filter(
    ([, check]) => !['healthy', 'ok', 'skipped'].includes(String(valueAt(check, 'status'))),
  );
  return bad.map(([name, check]) => `; ${name}: ${JSON.stringify(check)}`).join('');
}
