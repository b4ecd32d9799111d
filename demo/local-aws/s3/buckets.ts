import { accessDenied, AwsError } from '../aws-error.ts';
import { receiveText } from '../receive.ts';
import { header } from '../request.ts';
import { noContent, ok, xmlReply, type Reply } from '../reply.ts';
import { element, xmlDocument } from '../xml.ts';
import { newBucket, type Ownership } from './bucket.ts';
import { isoTime, type BucketCall, type Call } from './call.ts';
import { ownerElement } from './list-objects.ts';

export function listBuckets(call: Call): Reply {
  const { account } = call.caller;
  if (account === '') throw accessDenied();
  const own = [...call.storage.buckets.values()].filter((bucket) => bucket.account === account);
  own.sort((left, right) => (left.name < right.name ? -1 : 1));
  const buckets = own.map(
    (bucket) => `<Bucket>${element('Name', bucket.name)}${element('CreationDate', isoTime(bucket.createdAt))}</Bucket>`,
  );
  const content = `${ownerElement(account)}<Buckets>${buckets.join('')}</Buckets>`;
  return xmlReply(xmlDocument('ListAllMyBucketsResult', content));
}

function requestedOwnership(call: Call): Ownership {
  const ownership = header(call.request, 'x-amz-object-ownership') ?? 'BucketOwnerEnforced';
  if (ownership === 'BucketOwnerEnforced' || ownership === 'BucketOwnerPreferred' || ownership === 'ObjectWriter')
    return ownership;
  throw new AwsError(400, 'InvalidArgument', `Invalid x-amz-object-ownership header: ${ownership}`);
}

export async function createBucket(call: Call, name: string): Promise<Reply> {
  const { buckets, folder } = call.storage;
  if (call.caller.account === '') throw accessDenied();
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes('..') || /^\d+(\.\d+){3}$/.test(name))
    throw new AwsError(400, 'InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name });
  await receiveText(call.request, call.signing, folder);
  const existing = buckets.get(name);
  if (existing !== undefined) {
    if (existing.account === call.caller.account)
      throw new AwsError(
        409,
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        { BucketName: name },
      );
    throw new AwsError(
      409,
      'BucketAlreadyExists',
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
      { BucketName: name },
    );
  }
  const bucket = newBucket(name, call.caller.account);
  bucket.ownership = requestedOwnership(call);
  buckets.set(name, bucket);
  return ok('location', `/${name}`);
}

export function headBucket(call: BucketCall): Reply {
  return ok('x-amz-bucket-region', call.storage.region, 'content-type', 'application/xml');
}

export function deleteBucket(call: BucketCall): Reply {
  const { bucket, storage } = call;
  if (bucket.objects.size > 0)
    throw new AwsError(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty', {
      BucketName: bucket.name,
    });
  storage.buckets.delete(bucket.name);
  return noContent;
}
