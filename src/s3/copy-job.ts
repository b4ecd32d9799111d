import { pipeline, Transform, type Readable } from 'node:stream';
import type { SourceBucket, TargetBucket } from './bucket.ts';
import type { Keeping } from './carried.ts';
import type { Throttle } from './throttle.ts';

/** What every copy from one bucket to another has in common. */
export interface CopyJob {
  readonly source: SourceBucket;
  readonly target: TargetBucket;
  readonly keeping: Keeping;
  /** `server`: the store copies by itself. `stream`: the bytes pass through this process. */
  readonly route: 'server' | 'stream';
  /** Whether what the store refuses to copy by itself may be streamed instead. */
  readonly mayStream: boolean;
  readonly throttle: Throttle;
  readonly learnt: Learnt;
  /** Bytes that have arrived; fewer than none where a part has to be sent again. */
  readonly onBytes: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What is learnt of the target on the way: whether its objects have ETags of their own making. */
export interface Learnt {
  opaqueEtags: boolean;
}

/** S3 neither takes nor copies more in one request. */
export const mostBytesAtOnce = 5 * 1024 ** 3;

/** Thrown for an object that is in the target otherwise than it was sent. */
export class StoredOtherwise extends Error {
  /** The source's ETag was put beside it, so that it looks as if it were right. */
  readonly isRemembered: boolean;

  constructor(message: string, isRemembered = false) {
    super(message);
    this.isRemembered = isRemembered;
  }
}

/** The same bytes, each chunk shown while it passes. */
export function shown(body: Readable, see: (chunk: Buffer) => void): Readable {
  const window = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      see(chunk);
      done(null, chunk);
    },
  });
  return pipeline(body, window, () => {}); // an error is the next reader's to hear of
}
