/** Where objects were listed or read: goes with every figure. */
export interface BucketOrigin {
  readonly bucket: string;
  readonly account: string | undefined;
  readonly endpoint: string | undefined;
  readonly region: string;
}

export function describeBucket(origin: Pick<BucketOrigin, 'bucket' | 'account'>): string {
  return origin.account ? `${origin.bucket} (account ${origin.account})` : origin.bucket;
}
