import * as acl from './acl.ts';
import { createBucket, deleteBucket, headBucket, listBuckets } from './buckets.ts';
import * as settings from './bucket-settings.ts';
import type { BucketCall, Call, ObjectCall, Perform } from './call.ts';
import { copyObject } from './copy-object.ts';
import { deleteObject, deleteObjects } from './delete-object.ts';
import { getObject } from './get-object.ts';
import { listObjectsV1, listObjectsV2 } from './list-objects.ts';
import { listMultipartUploads, listParts } from './list-uploads.ts';
import { listObjectVersions } from './list-versions.ts';
import * as multipart from './multipart.ts';
import { getObjectAttributes } from './object-attributes.ts';
import { putObject } from './put-object.ts';
import * as tagging from './tagging.ts';

/** What an operation works on, the right it needs there, and its function. */
export type Operation =
  | { readonly on: 'service'; readonly perform: Perform<Call> }
  | { readonly on: 'new-bucket'; readonly perform: typeof createBucket }
  | { readonly on: 'bucket'; readonly action: string; readonly perform: Perform<BucketCall> }
  | { readonly on: 'object'; readonly action: string; readonly perform: Perform<ObjectCall> };

const onBucket = (action: string, perform: Perform<BucketCall>): Operation => ({ on: 'bucket', action, perform });
const onObject = (action: string, perform: Perform<ObjectCall>): Operation => ({ on: 'object', action, perform });

/**
 * The rights are those of IAM's service authorization reference; a right for a named version is the same with `Version`
 * at its end. DeleteObjects asks for each key by itself.
 */
export const operations = {
  ListBuckets: { on: 'service', perform: listBuckets },
  CreateBucket: { on: 'new-bucket', perform: createBucket },
  DeleteBucket: onBucket('s3:DeleteBucket', deleteBucket),
  HeadBucket: onBucket('s3:ListBucket', headBucket),
  ListObjects: onBucket('s3:ListBucket', listObjectsV1),
  ListObjectsV2: onBucket('s3:ListBucket', listObjectsV2),
  ListObjectVersions: onBucket('s3:ListBucketVersions', listObjectVersions),
  ListMultipartUploads: onBucket('s3:ListBucketMultipartUploads', listMultipartUploads),
  DeleteObjects: onBucket('', deleteObjects),
  GetBucketLocation: onBucket('s3:GetBucketLocation', settings.getBucketLocation),
  GetBucketVersioning: onBucket('s3:GetBucketVersioning', settings.getBucketVersioning),
  PutBucketVersioning: onBucket('s3:PutBucketVersioning', settings.putBucketVersioning),
  GetBucketOwnershipControls: onBucket('s3:GetBucketOwnershipControls', settings.getBucketOwnershipControls),
  PutBucketOwnershipControls: onBucket('s3:PutBucketOwnershipControls', settings.putBucketOwnershipControls),
  GetBucketPolicy: onBucket('s3:GetBucketPolicy', settings.getBucketPolicy),
  PutBucketPolicy: onBucket('s3:PutBucketPolicy', settings.putBucketPolicy),
  DeleteBucketPolicy: onBucket('s3:DeleteBucketPolicy', settings.deleteBucketPolicy),
  GetBucketTagging: onBucket('s3:GetBucketTagging', settings.getSetting('tagging')),
  PutBucketTagging: onBucket('s3:PutBucketTagging', settings.putSetting('tagging', 'Tagging')),
  DeleteBucketTagging: onBucket('s3:PutBucketTagging', settings.deleteSetting('tagging')),
  GetBucketEncryption: onBucket('s3:GetEncryptionConfiguration', settings.getBucketEncryption),
  PutBucketEncryption: onBucket('s3:PutEncryptionConfiguration', settings.putBucketEncryption),
  DeleteBucketEncryption: onBucket('s3:PutEncryptionConfiguration', settings.deleteBucketEncryption),
  GetBucketLifecycleConfiguration: onBucket('s3:GetLifecycleConfiguration', settings.getSetting('lifecycle')),
  PutBucketLifecycleConfiguration: onBucket(
    's3:PutLifecycleConfiguration',
    settings.putSetting('lifecycle', 'LifecycleConfiguration'),
  ),
  DeleteBucketLifecycle: onBucket('s3:PutLifecycleConfiguration', settings.deleteSetting('lifecycle')),
  GetBucketCors: onBucket('s3:GetBucketCORS', settings.getSetting('cors')),
  PutBucketCors: onBucket('s3:PutBucketCORS', settings.putSetting('cors', 'CORSConfiguration')),
  DeleteBucketCors: onBucket('s3:PutBucketCORS', settings.deleteSetting('cors')),
  GetPublicAccessBlock: onBucket('s3:GetBucketPublicAccessBlock', settings.getSetting('publicAccessBlock')),
  PutPublicAccessBlock: onBucket(
    's3:PutBucketPublicAccessBlock',
    settings.putSetting('publicAccessBlock', 'PublicAccessBlockConfiguration'),
  ),
  DeletePublicAccessBlock: onBucket('s3:PutBucketPublicAccessBlock', settings.deleteSetting('publicAccessBlock')),
  GetBucketAcl: onBucket('s3:GetBucketAcl', acl.getBucketAcl),
  PutBucketAcl: onBucket('s3:PutBucketAcl', acl.putBucketAcl),
  GetObject: onObject('s3:GetObject', getObject),
  HeadObject: onObject('s3:GetObject', getObject),
  PutObject: onObject('s3:PutObject', putObject),
  CopyObject: onObject('s3:PutObject', copyObject),
  DeleteObject: onObject('s3:DeleteObject', deleteObject),
  GetObjectAttributes: onObject('s3:GetObject', getObjectAttributes),
  GetObjectTagging: onObject('s3:GetObjectTagging', tagging.getObjectTagging),
  PutObjectTagging: onObject('s3:PutObjectTagging', tagging.putObjectTagging),
  DeleteObjectTagging: onObject('s3:DeleteObjectTagging', tagging.deleteObjectTagging),
  GetObjectAcl: onObject('s3:GetObjectAcl', acl.getObjectAcl),
  PutObjectAcl: onObject('s3:PutObjectAcl', acl.putObjectAcl),
  CreateMultipartUpload: onObject('s3:PutObject', multipart.createMultipartUpload),
  UploadPart: onObject('s3:PutObject', multipart.uploadPart),
  UploadPartCopy: onObject('s3:PutObject', multipart.uploadPartCopy),
  CompleteMultipartUpload: onObject('s3:PutObject', multipart.completeMultipartUpload),
  AbortMultipartUpload: onObject('s3:AbortMultipartUpload', multipart.abortMultipartUpload),
  ListParts: onObject('s3:ListMultipartUploadParts', listParts),
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof operations;
