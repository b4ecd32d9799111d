/** What S3 can do and a store that speaks S3 need not. */
export type Ability =
  | 'archive'
  | 'checksums'
  | 'copy-if-match'
  | 'copy-part-of-another-owner'
  | 'expected-owner'
  | 'faults'
  | 'kms'
  | 'multipart-etag'
  | 'object-attributes'
  | 'ownership-controls'
  | 'part-number'
  | 'retag-while-copying'
  | 'storage-class'
  | 'streamed-chunks'
  | 'tag-multipart';

/** Ceph 16, as in Debian 12: what it was seen to answer. abilities.test.ts asks again in each run. */
export const cephLacks: Readonly<Record<Ability, string>> = {
  archive: 'refuses x-amz-storage-class GLACIER with 400 InvalidArgument, and restore with 501',
  checksums: 'reads past x-amz-checksum-*, also a wrong one, and gives none back',
  'copy-if-match': 'reads past x-amz-copy-source-if-match: it copies whatever is there',
  'copy-part-of-another-owner':
    'answers UploadPartCopy with 403 where only a bucket policy lets the source be read; CopyObject it allows',
  'expected-owner': 'reads past x-amz-expected-bucket-owner; it has no accounts',
  faults: 'nothing can be made to go wrong in it',
  kms: 'refuses x-amz-server-side-encryption, aws:kms and AES256, with 400 InvalidRequest',
  'multipart-etag': 'answers CompleteMultipartUpload with an empty ETag; a HEAD tells it',
  'object-attributes': 'answers GET ?attributes with 200 and the object itself',
  'ownership-controls': 'answers GET ?ownershipControls with 200 and a listing, and PUT with 400; ACLs are always on',
  'part-number': 'reads past ?partNumber: HEAD tells the whole length, GET sends the whole object',
  'retag-while-copying': 'a CopyObject with x-amz-metadata-directive REPLACE leaves an object without tags',
  'storage-class': 'has STANDARD only, and refuses others with 400 InvalidArgument',
  'streamed-chunks': 'answers aws-chunked uploads of unsigned chunks with 411',
  'tag-multipart': 'reads past x-amz-tagging of CreateMultipartUpload: PutObjectTagging has to follow',
};
