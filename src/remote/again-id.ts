/** The id of the copy of a pair that goes from two places. */
export function copyId(bucket: string): string {
  return `copy-objects ${bucket}`;
}

/** Of its second copy, where there is a first one. */
export function againId(bucket: string): string {
  return `${copyId(bucket)} again`;
}
