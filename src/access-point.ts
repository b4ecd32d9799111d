/** Whether a bucket's name is that of an access point, of whatever kind, or an ARN: neither says which bucket it leads to. */
export function isAccessPoint(bucket: string): boolean {
  return /^arn:|-s3alias$|--ol-s3$|--xa-s3$|\.mrap$/.test(bucket);
}
