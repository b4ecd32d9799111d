import { AwsError } from '../aws-error.ts';
import type { ObjectVersion } from './bucket.ts';

/** Refuses to read an archived object that is not restored, in these words. */
export function demandRestored(version: ObjectVersion, message: string): void {
  const archived = version.storageClass === 'GLACIER' || version.storageClass === 'DEEP_ARCHIVE';
  if (archived && version.restoredUntil === undefined)
    throw new AwsError(403, 'InvalidObjectState', message, { StorageClass: version.storageClass });
}

export function restoreHeaders({ restoredUntil }: ObjectVersion): readonly string[] {
  if (restoredUntil === undefined) return [];
  const expiry = new Date(restoredUntil).toUTCString();
  return ['x-amz-restore', `ongoing-request="false", expiry-date="${expiry}"`];
}
