import type { Defect } from './faults.ts';
import type { Credentials } from './identity.ts';
import type { Functions } from './lambda-functions.ts';
import type { Parameters } from './parameters.ts';
import type { Request } from './request.ts';
import type { Storage } from './s3/call.ts';
import type { Secrets } from './secrets.ts';
import type { DatabaseServerSettings, RoleSettings } from './settings.ts';

export type ServiceName = 's3' | 'secretsmanager' | 'sts' | 'rds' | 'lambda' | 'ssm';

/** What is known of a request; it fills up while the request is worked on, and is what faults match and counts count. */
export interface Facts {
  readonly service: ServiceName;
  readonly method: string;
  operation: string;
  bucket: string;
  key: string;
  account: string;
}

/** One request on its way through a service. */
export interface Exchange {
  readonly request: Request;
  readonly facts: Facts;
  /**
   * To be awaited once the facts are complete and before anything is done: this is where faults strike. It says how the
   * store is to be defective while it does what it is asked to.
   */
  readonly admit: () => Promise<Defect | undefined>;
}

/** All that this AWS holds. */
export interface World extends Storage {
  readonly credentials: Credentials;
  readonly secrets: Secrets;
  /** By their ARNs. */
  readonly roles: Map<string, RoleSettings>;
  /** By account, kind and identifier. */
  readonly databaseServers: Map<string, DatabaseServerSettings>;
  readonly parameters: Parameters;
  readonly functions: Functions;
  /** Undefined: signatures for any region are good. */
  readonly signedRegion: string | undefined;
}
