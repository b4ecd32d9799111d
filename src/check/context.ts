import type { Account } from '../aws/account.ts';
import type { Closing } from '../closing.ts';
import type { Config, EndConfig } from '../config.ts';
import type { ConnectOptions } from '../connect.ts';

export type Side = 'source' | 'target';

/** What all looks of a check share. */
export interface CheckContext {
  readonly config: Config;
  readonly connection: ConnectOptions;
  readonly signal: AbortSignal | undefined;
  /** Where programs are looked for that a run starts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether an object may be written into the target's buckets and removed again. */
  readonly mayWrite: boolean;
  /** Whether the databases are reached by the function. */
  readonly onLambda: boolean;
  /** Whether it is the function that looks. */
  readonly inFunction: boolean;
  /** What must be over before the check is, an interrupted one too: the removal of what it wrote. */
  readonly undoing: Set<Promise<unknown>>;
  /** What is closed when all looks are over. */
  readonly closing: Closing;
}

/** One end as it is looked at. */
export interface CheckedEnd {
  readonly side: Side;
  readonly config: EndConfig;
  /** By the keys of the profile, or the ambient ones; undefined where the config names none. */
  readonly own: Promise<Account> | undefined;
  /** The account that is meant, with the role that those keys take on; the same where they take on none. */
  readonly account: Promise<Account> | undefined;
}
