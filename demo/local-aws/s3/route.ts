import { header, parameter, type Request } from '../request.ts';
import type { OperationName } from './operations.ts';

type Routes = Readonly<Record<string, OperationName>>;

// By the query's subresource first, then by the method alone ('').
const bucketRoutes: Readonly<Record<string, Routes>> = {
  GET: {
    location: 'GetBucketLocation',
    versioning: 'GetBucketVersioning',
    ownershipControls: 'GetBucketOwnershipControls',
    policy: 'GetBucketPolicy',
    tagging: 'GetBucketTagging',
    encryption: 'GetBucketEncryption',
    lifecycle: 'GetBucketLifecycleConfiguration',
    cors: 'GetBucketCors',
    publicAccessBlock: 'GetPublicAccessBlock',
    acl: 'GetBucketAcl',
    versions: 'ListObjectVersions',
    uploads: 'ListMultipartUploads',
    'list-type': 'ListObjectsV2',
    '': 'ListObjects',
  },
  PUT: {
    versioning: 'PutBucketVersioning',
    ownershipControls: 'PutBucketOwnershipControls',
    policy: 'PutBucketPolicy',
    tagging: 'PutBucketTagging',
    encryption: 'PutBucketEncryption',
    lifecycle: 'PutBucketLifecycleConfiguration',
    cors: 'PutBucketCors',
    publicAccessBlock: 'PutPublicAccessBlock',
    acl: 'PutBucketAcl',
    '': 'CreateBucket',
  },
  DELETE: {
    policy: 'DeleteBucketPolicy',
    tagging: 'DeleteBucketTagging',
    encryption: 'DeleteBucketEncryption',
    lifecycle: 'DeleteBucketLifecycle',
    cors: 'DeleteBucketCors',
    publicAccessBlock: 'DeletePublicAccessBlock',
    '': 'DeleteBucket',
  },
  POST: { delete: 'DeleteObjects' },
  HEAD: { '': 'HeadBucket' },
};

const objectRoutes: Readonly<Record<string, Routes>> = {
  GET: {
    tagging: 'GetObjectTagging',
    acl: 'GetObjectAcl',
    attributes: 'GetObjectAttributes',
    uploadId: 'ListParts',
    '': 'GetObject',
  },
  HEAD: { '': 'HeadObject' },
  PUT: { tagging: 'PutObjectTagging', acl: 'PutObjectAcl', uploadId: 'UploadPart', '': 'PutObject' },
  POST: { uploads: 'CreateMultipartUpload', uploadId: 'CompleteMultipartUpload' },
  DELETE: { tagging: 'DeleteObjectTagging', uploadId: 'AbortMultipartUpload', '': 'DeleteObject' },
};

// Subresources of S3 that have no operation here: refused rather than taken for the operation without them.
const unsupported = new Set([
  'accelerate',
  'analytics',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'policyStatus',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'torrent',
  'website',
]);

/** Path style: `/bucket/key`. The key is all that follows, whatever it is. */
export function splitPath(path: string): { readonly bucket: string; readonly key: string } {
  const slash = path.indexOf('/', 1);
  return slash < 0 ? { bucket: path.slice(1), key: '' } : { bucket: path.slice(1, slash), key: path.slice(slash + 1) };
}

/** The operation that a request asks for; undefined for one that is not known here. */
export function route(request: Request, bucket: string, key: string): OperationName | undefined {
  if (bucket === '') return request.method === 'GET' ? 'ListBuckets' : undefined;
  const routes = (key === '' ? bucketRoutes : objectRoutes)[request.method];
  if (routes === undefined) return undefined;
  let found = routes[''];
  for (const [name] of request.query) {
    if (unsupported.has(name)) return undefined;
    const named = name === '' ? undefined : routes[name];
    if (named !== undefined) found = named;
  }
  if (header(request, 'x-amz-copy-source') === undefined) return found;
  if (found === 'PutObject') return 'CopyObject';
  return found === 'UploadPart' && parameter(request, 'partNumber') !== undefined ? 'UploadPartCopy' : found;
}
