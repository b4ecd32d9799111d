import type { Account } from './account.ts';

/** What an invocation gave. */
export interface Invoked {
  readonly requestId: string;
  /** What the function returned, parsed; absent where it was not waited for. */
  readonly answer?: unknown;
  /** The last 4 KB of its log, where it was waited for. */
  readonly log?: string;
}

export interface InvokeOptions {
  /** `event`: it is taken on and not waited for. `dry-run`: only whether it might be. */
  readonly kind: 'wait' | 'event' | 'dry-run';
  /** How long an answer may take. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Invokes a function once: it is never sent again, for a request that was cut off may have been taken. Throws `lambda-missing`,
 * `lambda-denied` with the action that is lacking, `aws-unreachable`, `interrupted`; `function-failed` where it was killed or threw,
 * with its own words: out of time, out of memory, an error of the runtime.
 */
export function invokeFunction(
  _account: Account,
  _name: string,
  _event: unknown,
  _options: InvokeOptions,
): Promise<Invoked> {
  throw new Error('to be written');
}
