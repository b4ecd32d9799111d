import type { AccountSettings } from '../aws/account.ts';
import type { ProposedRules } from './propose-rules.ts';

/** What a restage.yaml is made from: what was said, asked or found. */
export interface Draft {
  readonly source: DraftEnd;
  readonly target: DraftEnd & {
    /** A function's name or ARN. */
    readonly function?: string | undefined;
  };
  /** Rules for the source's tables, where these could be read. */
  readonly tables?: ProposedRules | undefined;
}

export interface DraftEnd {
  readonly name: string;
  readonly aws?: AccountSettings | undefined;
  readonly database?: DraftDatabase | undefined;
  /** By a name of one's own, the same at both ends. */
  readonly buckets: Readonly<Record<string, string>>;
  readonly app?: { readonly url: string; readonly environment?: string | undefined } | undefined;
}

/** A database as it stands in the file: never with a password. */
export interface DraftDatabase {
  readonly secret?: string;
  /** Only as `${VAR}`. */
  readonly url?: string;
  readonly identifier?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly passwordEnv?: string;
  readonly auth?: 'iam';
  readonly tls?: 'disable';
}

/** Where the masks' key comes from. It is never written. */
export const maskKeyVariable = 'RESTAGE_MASK_KEY';
