/** Where objects were listed or read: goes with every figure. */
export interface BucketOrigin {
  readonly bucket: string;
  readonly account: string | undefined;
  readonly endpoint: string | undefined;
}

export function describeBucket(origin: BucketOrigin): string {
  return origin.account ? `${origin.bucket} (account ${origin.account})` : origin.bucket;
}
