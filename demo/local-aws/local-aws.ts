import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ServiceName } from './exchange.ts';

export interface Account {
  /** 12 digits. */
  readonly id: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The name of the account's only user, who may do everything in it. */
  readonly user: string;
}

export interface LocalAwsSettings {
  readonly accounts: readonly Account[];
  /** An existing temporary folder; bodies above 64 KiB are kept there. Its owner removes it. */
  readonly folder: string;
  /** When given, signatures for other regions are refused; buckets are in it, or in us-east-1. */
  readonly region?: string;
}

export interface BucketSettings {
  readonly name: string;
  /** The owner's account id. */
  readonly account: string;
  /** A bucket policy document. */
  readonly policy?: object;
  readonly versioned?: boolean;
}

interface SeedFacts {
  readonly key: string;
  readonly contentType?: string;
  /** cache-control, content-disposition and the like. */
  readonly headers?: Readonly<Record<string, string>>;
  /** User metadata, without `x-amz-meta-`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  /** ISO 8601; now, when not given. */
  readonly lastModified?: string;
}

/** Content is given, or made from a seed whenever it is read: always the same, and never held in memory. */
export type SeedObject = SeedFacts &
  ({ readonly body: Uint8Array | string } | { readonly sizeBytes: number; readonly seed: number });

export interface SecretSettings {
  readonly name: string;
  readonly account: string;
  readonly value: string;
  /** Ids of the other accounts that may read it. */
  readonly sharedWith?: readonly string[];
}

/** Which requests a fault strikes; what is not named matches every request. */
export interface RequestMatch {
  readonly service?: ServiceName;
  /** As AWS calls it: `GetObject`, `ListObjectsV2`, `GetSecretValue`, … */
  readonly operation?: string;
  readonly bucket?: string;
  readonly key?: string;
  /** The caller's account id. */
  readonly account?: string;
  readonly method?: string;
}

/** Strikes after authentication and before anything is done; `times` requests, or all until cleared. */
export type Fault = { readonly match: RequestMatch; readonly times?: number } & (
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly message: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'reset-in-body' }
  | { readonly kind: 'delay'; readonly delayMs: number }
);

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

/** What can be put into the local AWS past its front door. */
export interface Contents {
  createBucket(bucket: BucketSettings): Promise<void>;
  /** Thousands at once. The ETags of synthesized content are computed in the background, or when first asked for. */
  seedObjects(bucket: string, objects: readonly SeedObject[]): Promise<void>;
  putSecret(secret: SecretSettings): Promise<void>;
}

export interface FaultInjection {
  inject(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
}

export interface RequestLog {
  /** Counts since the start or the last reset. */
  requests(): Promise<readonly RequestCount[]>;
  resetRequests(): Promise<void>;
}

/** S3 (path style), Secrets Manager and STS on one port of loopback. Disposing of it ends it. */
export interface LocalAws extends Contents, FaultInjection, RequestLog, AsyncDisposable {
  /** http://127.0.0.1:PORT */
  readonly endpoint: string;
}

/** What a control method sends to the server's thread. */
export type Command =
  | { readonly kind: 'create-bucket'; readonly bucket: BucketSettings }
  | { readonly kind: 'seed-objects'; readonly bucket: string; readonly objects: readonly SeedObject[] }
  | { readonly kind: 'put-secret'; readonly secret: SecretSettings }
  | { readonly kind: 'inject'; readonly fault: Fault }
  | { readonly kind: 'clear-faults' }
  | { readonly kind: 'reset-requests' }
  | { readonly kind: 'requests' };

export type Answer =
  | { readonly kind: 'started'; readonly port: number }
  | { readonly kind: 'done'; readonly id: number; readonly requests: readonly RequestCount[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

/** Starts a local AWS in a thread of its own, which ends with the process. */
export async function startLocalAws(settings: LocalAwsSettings): Promise<LocalAws> {
  const file = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(file, { workerData: settings });
  const waiting = new Map<number, PromiseWithResolvers<readonly RequestCount[]>>();
  const started = Promise.withResolvers<number>();
  let asked = 0;

  const fail = (error: Error): void => {
    started.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', (answer: Answer) => {
    if (answer.kind === 'started') {
      started.resolve(answer.port);
      return;
    }
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.kind === 'done') asker?.resolve(answer.requests);
    else asker?.reject(new Error(answer.message));
  });
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', () => fail(new Error('the local AWS has ended')));

  const ask = (command: Command): Promise<readonly RequestCount[]> => {
    const answered = Promise.withResolvers<readonly RequestCount[]>();
    asked += 1;
    waiting.set(asked, answered);
    worker.postMessage({ id: asked, command });
    return answered.promise;
  };
  const order = async (command: Command): Promise<void> => void (await ask(command));

  const port = await started.promise;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    createBucket: (bucket) => order({ kind: 'create-bucket', bucket }),
    seedObjects: (bucket, objects) => order({ kind: 'seed-objects', bucket, objects }),
    putSecret: (secret) => order({ kind: 'put-secret', secret }),
    inject: (fault) => order({ kind: 'inject', fault }),
    clearFaults: () => order({ kind: 'clear-faults' }),
    requests: () => ask({ kind: 'requests' }),
    resetRequests: () => order({ kind: 'reset-requests' }),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}
