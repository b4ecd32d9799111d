import { RestageError } from '../errors.ts';
import { unmet, type App, type Expected } from './client.ts';
import { valueAt } from './json-path.ts';

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
    valueAt(body, 'errors') ?? valueAt(body, 'error') ?? valueAt(body, 'message') ?? valueAt(body, 'detail');
  if (errors === undefined || errors === null) return '';
  return `: ${typeof errors === 'string' ? errors : JSON.stringify(errors)}`;
}
