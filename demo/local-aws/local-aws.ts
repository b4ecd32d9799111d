import { extname } from 'node:path';
import type { ServiceName } from './exchange.ts';
import type { Fault } from './faults.ts';
import { startProcess, startThread } from './host.ts';
import type {
  BucketSettings,
  DatabaseServerSettings,
  FunctionSettings,
  Keys,
  LocalAwsSettings,
  ParameterSettings,
  RoleSettings,
  SecretSettings,
  SeedObject,
} from './settings.ts';

export type { Fault, RequestMatch } from './faults.ts';
export type {
  Account,
  Allowance,
  BucketSettings,
  DatabaseServerSettings,
  EncryptionSettings,
  FunctionSettings,
  Keys,
  LocalAwsSettings,
  ParameterSettings,
  RoleSettings,
  SecretSettings,
  SeedObject,
  SynthesizedKeys,
} from './settings.ts';

export interface RequestCount {
  readonly service: ServiceName;
  readonly operation: string;
  readonly bucket: string;
  /** The caller's; empty when the request was not authenticated. */
  readonly account: string;
  /** 0 when the connection was reset instead of an answer. */
  readonly status: number;
  readonly count: number;
}

/** One delivery of an event to a function. */
export interface FunctionInvocation {
  readonly requestId: string;
  readonly type: 'RequestResponse' | 'Event';
  /** ISO 8601. */
  readonly startedAt: string;
  /** Without `initMs`; 0 while it runs. */
  readonly durationMs: number;
  /** Of a cold start: until the code asked for the event. */
  readonly initMs?: number;
  /** The most that its processes held in memory since its cold start. */
  readonly peakBytes: number;
  readonly outcome: 'running' | 'succeeded' | 'failed';
  /** Of one that failed: as the function, or Lambda, names it. */
  readonly errorType?: string;
  /** What it returned, or the error, as JSON. */
  readonly answer?: string;
  readonly log: string;
}

/** What can be put into the local AWS past its front door. */
export interface Contents {
  createBucket(bucket: BucketSettings): Promise<void>;
  /** Thousands at once. The ETags of synthesized content are computed in the background, or when first asked for. */
  seedObjects(bucket: string, objects: readonly SeedObject[]): Promise<void>;
  putSecret(secret: SecretSettings): Promise<void>;
  /** Or its next version. */
  putParameter(parameter: ParameterSettings): Promise<void>;
  putRole(role: RoleSettings): Promise<void>;
  /** What RDS knows; nothing is started. */
  putDatabaseServer(server: DatabaseServerSettings): Promise<void>;
  putFunction(one: FunctionSettings): Promise<void>;
}

export interface FaultInjection {
  inject(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
}

export interface Circumstances {
  /** The server's clock is this much ahead of the machine's. */
  setClock(offsetMs: number): Promise<void>;
  /** The account's user has new keys from now on, and the old ones are answered as expired. */
  replaceKeys(account: string, keys: Keys): Promise<void>;
  /** These accounts may not use the KMS key, named by its id or ARN; an empty list lets everybody use it again. */
  denyKmsKey(keyId: string, accounts: readonly string[]): Promise<void>;
}

/** What becomes of the functions, past their front door. */
export interface FunctionControl {
  /** The latest 500 deliveries, in the order of their beginning. */
  invocations(name: string): Promise<readonly FunctionInvocation[]>;
  /** How many asynchronous events have not begun. */
  waitingEvents(name: string): Promise<number>;
  /** The same event with the same request id, once more, as an asynchronous one may come. */
  deliverAgain(requestId: string): Promise<void>;
  /** Kills its processes, whatever they are doing. */
  killFunction(name: string): Promise<void>;
}

export interface RequestLog {
  /** Counts since the start or the last reset. */
  requests(): Promise<readonly RequestCount[]>;
  resetRequests(): Promise<void>;
}

/** S3 (path style), Secrets Manager, STS, RDS (what it describes), Systems Manager's parameters and Lambda on one port of loopback. Disposing of it ends it. */
export interface LocalAws
  extends Contents, FaultInjection, Circumstances, FunctionControl, RequestLog, AsyncDisposable {
  /** http://127.0.0.1:PORT */
  readonly endpoint: string;
  /** The same for each service, as restage.yaml takes them. */
  readonly endpoints: Readonly<Record<'s3' | 'secretsManager' | 'sts' | 'rds' | 'lambda' | 'ssm', string>>;
}

/** What a control method sends to the server. */
export type Command =
  | { readonly kind: 'create-bucket'; readonly bucket: BucketSettings }
  | { readonly kind: 'seed-objects'; readonly bucket: string; readonly objects: readonly SeedObject[] }
  | { readonly kind: 'put-secret'; readonly secret: SecretSettings }
  | { readonly kind: 'put-parameter'; readonly parameter: ParameterSettings }
  | { readonly kind: 'put-role'; readonly role: RoleSettings }
  | { readonly kind: 'put-database-server'; readonly server: DatabaseServerSettings }
  | { readonly kind: 'put-function'; readonly function: FunctionSettings }
  | { readonly kind: 'inject'; readonly fault: Fault }
  | { readonly kind: 'clear-faults' }
  | { readonly kind: 'set-clock'; readonly offsetMs: number }
  | { readonly kind: 'replace-keys'; readonly account: string; readonly keys: Keys }
  | { readonly kind: 'deny-kms-key'; readonly keyId: string; readonly accounts: readonly string[] }
  | { readonly kind: 'reset-requests' }
  | { readonly kind: 'requests' }
  | { readonly kind: 'invocations'; readonly name: string }
  | { readonly kind: 'waiting-events'; readonly name: string }
  | { readonly kind: 'deliver-again'; readonly requestId: string }
  | { readonly kind: 'kill-function'; readonly name: string }
  | { readonly kind: 'end' };

/** What a command asked for. */
export interface Given {
  readonly requests?: readonly RequestCount[];
  readonly invocations?: readonly FunctionInvocation[];
  readonly waiting?: number;
}

export interface Order {
  readonly id: number;
  readonly command: Command;
}

export type Answer =
  | { readonly kind: 'started'; readonly port: number }
  | { readonly kind: 'done'; readonly id: number; readonly given: Given }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

/** Starts a local AWS in a thread or a process of its own, which ends with this process. */
export async function startLocalAws(
  settings: LocalAwsSettings,
  home: 'thread' | 'process' = 'thread',
): Promise<LocalAws> {
  const file = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
  const host = (home === 'thread' ? startThread : startProcess)(file, settings);
  const waiting = new Map<number, PromiseWithResolvers<Given>>();
  const started = Promise.withResolvers<number>();
  let asked = 0;
  let over: Error | undefined;

  const fail = (error: Error): void => {
    over ??= error;
    started.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const take = (answer: Answer): void => {
    if (answer.kind === 'started') {
      started.resolve(answer.port);
      return;
    }
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.kind === 'done') asker?.resolve(answer.given);
    else asker?.reject(new Error(answer.message));
  };
  // The server sends nothing else.
  host.listen((message) => take(message as Answer), fail);

  const ask = (command: Command): Promise<Given> => {
    if (over !== undefined) return Promise.reject(over);
    const answered = Promise.withResolvers<Given>();
    asked += 1;
    waiting.set(asked, answered);
    const message: Order = { id: asked, command };
    host.post(message);
    return answered.promise;
  };
  const order = async (command: Command): Promise<void> => void (await ask(command));

  const port = await started.promise;
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    endpoints: {
      s3: endpoint,
      secretsManager: endpoint,
      sts: endpoint,
      rds: endpoint,
      lambda: endpoint,
      ssm: endpoint,
    },
    createBucket: (bucket) => order({ kind: 'create-bucket', bucket }),
    seedObjects: (bucket, objects) => order({ kind: 'seed-objects', bucket, objects }),
    putSecret: (secret) => order({ kind: 'put-secret', secret }),
    putParameter: (parameter) => order({ kind: 'put-parameter', parameter }),
    putRole: (role) => order({ kind: 'put-role', role }),
    putDatabaseServer: (server) => order({ kind: 'put-database-server', server }),
    putFunction: (one) => order({ kind: 'put-function', function: one }),
    inject: (fault) => order({ kind: 'inject', fault }),
    clearFaults: () => order({ kind: 'clear-faults' }),
    setClock: (offsetMs) => order({ kind: 'set-clock', offsetMs }),
    replaceKeys: (account, keys) => order({ kind: 'replace-keys', account, keys }),
    denyKmsKey: (keyId, accounts) => order({ kind: 'deny-kms-key', keyId, accounts }),
    requests: async () => (await ask({ kind: 'requests' })).requests ?? [],
    invocations: async (name) => (await ask({ kind: 'invocations', name })).invocations ?? [],
    waitingEvents: async (name) => (await ask({ kind: 'waiting-events', name })).waiting ?? 0,
    deliverAgain: (requestId) => order({ kind: 'deliver-again', requestId }),
    killFunction: (name) => order({ kind: 'kill-function', name }),
    resetRequests: () => order({ kind: 'reset-requests' }),
    [Symbol.asyncDispose]: async () => {
      // Where it has ended of itself, so have its functions.
      await order({ kind: 'end' }).catch(() => undefined);
      await host.stop();
    },
  };
}
