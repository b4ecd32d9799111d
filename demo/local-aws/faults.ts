import type { Facts, ServiceName } from './exchange.ts';
import { toBytes } from './byte-string.ts';

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

/**
 * Strikes after authentication and before anything is done: `times` requests, or all until cleared, once `skip`
 * requests that it would have struck have passed.
 */
export type Fault = { readonly match: RequestMatch; readonly skip?: number; readonly times?: number } & (
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly message: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'reset-in-body' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** All is done as asked, and the connection is reset instead of an answer. */
  | { readonly kind: 'lose-answer' }
  /** A GET promises the whole content, sends half of it and closes the connection in good order. */
  | { readonly kind: 'truncate-body' }
  /** A GET sends one wrong byte. */
  | { readonly kind: 'corrupt-body' }
  /** One byte is stored wrong, whatever digest the client gave; the answer has the ETag of what is stored. */
  | { readonly kind: 'corrupt-upload' }
  /** All is stored well, and the answer has another ETag. */
  | { readonly kind: 'wrong-etag' }
  /** A copy or the completion of an upload answers 200 with an error for its content, and stores nothing. */
  | { readonly kind: 'error-in-200'; readonly code: string; readonly message: string }
  /** The object is overwritten, or removed, just before the request is served; of a copy that is its source. */
  | { readonly kind: 'change'; readonly body: Uint8Array | string }
  | { readonly kind: 'remove' }
);

/** How a store is defective while it does what it was asked to. */
export type Defect = 'corrupt-upload' | 'wrong-etag';

const uploads = ['PutObject', 'CopyObject', 'UploadPart', 'UploadPartCopy'];
const always = (): boolean => true;
const onGet = ({ method }: Facts): boolean => method === 'GET';
const onObject = ({ service, key }: Facts): boolean => service === 's3' && key !== '';

/** The requests that a fault can strike at all: others neither use it up nor are counted as skipped. */
const canStrike: { readonly [K in Fault['kind']]: (facts: Facts) => boolean } = {
  error: always,
  reset: always,
  'reset-in-body': always,
  delay: always,
  'lose-answer': always,
  'truncate-body': onGet,
  'corrupt-body': onGet,
  'corrupt-upload': ({ operation }) => uploads.includes(operation),
  'wrong-etag': ({ operation }) => [...uploads, 'CompleteMultipartUpload'].includes(operation),
  'error-in-200': ({ operation }) => ['CopyObject', 'UploadPartCopy', 'CompleteMultipartUpload'].includes(operation),
  change: onObject,
  remove: onObject,
};

/** Which requests go wrong, and how often still. The first fault that matches is the one that strikes. */
export class Faults {
  #armed: { readonly fault: Fault; skip: number; left: number }[] = [];

  inject(fault: Fault): void {
    this.#armed.push({ fault, skip: fault.skip ?? 0, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault that strikes this request, if any; a fault with `times` has been used once more then. */
  strike(facts: Facts): Fault | undefined {
    for (const armed of this.#armed) {
      const { fault } = armed;
      if (!matches(fault.match, facts) || !canStrike[fault.kind](facts)) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      armed.left -= 1;
      if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
      return fault;
    }
    return undefined;
  }
}

function matches(match: RequestMatch, facts: Facts): boolean {
  return (
    (match.service ?? facts.service) === facts.service &&
    (match.method ?? facts.method) === facts.method &&
    (match.operation ?? facts.operation) === facts.operation &&
    (match.bucket ?? facts.bucket) === facts.bucket &&
    (match.key === undefined || toBytes(match.key) === facts.key) &&
    (match.account ?? facts.account) === facts.account
  );
}
