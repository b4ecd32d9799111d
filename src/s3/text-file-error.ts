import { RestageError } from '../errors.ts';
import { listError, refusal, routeAdvice } from './bucket-error.ts';
import type { S3Client } from './client.ts';
import { describeBucket, type BucketOrigin } from './origin.ts';
import { S3Error } from './s3-error.ts';

/** Where small texts are kept, and by whom. */
export interface FilesOrigin extends BucketOrigin {
  readonly asker: string;
  readonly folder: string | undefined;
}

/** What a text was not read or written for: the bucket, the keys, the action that is lacking and on what, or the way there. */
export async function textFileError(
  client: S3Client,
  origin: FilesOrigin,
  error: unknown,
  done: 'read' | 'written' | 'listed',
  key: string,
): Promise<RestageError> {
  if (error instanceof RestageError) return error;
  const place = `s3://${origin.bucket}/${key}`;
  if (!(error instanceof S3Error)) {
    const words = error instanceof Error ? error.message : String(error);
    return new RestageError(
      'aws-unreachable',
      `cannot reach ${describeBucket(origin)} at ${hostOf(origin)}: ${words}`,
      {
        cause: error,
        hint: routeAdvice(origin),
      },
    );
  }
  if (error.code === 'NoSuchBucket') {
    const missing = await listError(client, origin, error);
    if (missing instanceof RestageError) return missing;
  }
  const words = `${place} cannot be ${done}: ${error.message} (${error.code})`;
  return refusal(error, words, lacking(origin, error, done, key));
}

/** What is to be allowed: as AWS names it, where it does. */
function lacking(
  { bucket, account, region, asker, folder }: FilesOrigin,
  error: S3Error,
  done: 'read' | 'written' | 'listed',
  key: string,
): string {
  const arn = `arn:${partitionOf(region)}:s3:::${bucket}`;
  const files = `${arn}/${folder === undefined ? key : `${folder}*`}`;
  const owner = account === undefined ? '' : ` The bucket must belong to account ${account}.`;
  const said = /not authorized to perform: (\S+) on resource: (?:"([^"]+)"|(\S+))/.exec(error.message);
  const on = said?.[2] ?? said?.[3];
  if (said && said[1]?.startsWith('kms:'))
    return `Allow kms:Decrypt and kms:GenerateDataKey on the key of the bucket, ${on}, to ${asker}.`;
  if (said && said[1] !== 's3:ListBucket') return `Allow ${said[1]} on ${on} to ${asker}.${owner}`;
  if (done === 'listed') return `Allow s3:ListBucket on ${arn} to ${asker}.${owner}`;
  const list = `s3:ListBucket on ${arn}: without it S3 does not say that a file is not there yet, and refuses instead`;
  if (said) return `Allow ${list}.${owner}`;
  return done === 'read'
    ? `Allow s3:GetObject on ${files} to ${asker}, and ${list}.${owner}`
    : `Allow s3:PutObject and s3:GetObject on ${files} to ${asker}.${owner}`;
}

function partitionOf(region: string): string {
  return region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

function hostOf({ bucket, endpoint, region }: BucketOrigin): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return endpoint ?? `https://${bucket}.s3.${region}.${suffix}`;
}
