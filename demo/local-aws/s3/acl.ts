import { AwsError } from '../aws-error.ts';
import { canonicalId } from '../identity.ts';
import { receiveText } from '../receive.ts';
import { header } from '../request.ts';
import { ok, xmlReply, type Reply } from '../reply.ts';
import { xmlDocument } from '../xml.ts';
import type { Bucket } from './bucket.ts';
import { findObject, type BucketCall, type ObjectCall } from './call.ts';
import { requestedAcl } from './object-facts.ts';
import { ownerElement } from './list-objects.ts';

const instance = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

function grantUser(account: string, permission: string): string {
  return `<Grant><Grantee ${instance} xsi:type="CanonicalUser"><ID>${canonicalId(account)}</ID></Grantee><Permission>${permission}</Permission></Grant>`;
}

function grantGroup(group: string, permission: string): string {
  return `<Grant><Grantee ${instance} xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/${group}</URI></Grantee><Permission>${permission}</Permission></Grant>`;
}

/** A canned ACL, spelled out as grants. */
function grants(acl: string, owner: string, bucket: Bucket): string {
  const own = grantUser(owner, 'FULL_CONTROL');
  const other = owner !== bucket.account;
  switch (acl) {
    case 'public-read':
      return own + grantGroup('AllUsers', 'READ');
    case 'public-read-write':
      return own + grantGroup('AllUsers', 'READ') + grantGroup('AllUsers', 'WRITE');
    case 'authenticated-read':
      return own + grantGroup('AuthenticatedUsers', 'READ');
    case 'bucket-owner-read':
      return own + (other ? grantUser(bucket.account, 'READ') : '');
    case 'bucket-owner-full-control':
      return own + (other ? grantUser(bucket.account, 'FULL_CONTROL') : '');
    default:
      return own;
  }
}

function aclReply(acl: string, owner: string, bucket: Bucket): Reply {
  const list = `<AccessControlList>${grants(acl, owner, bucket)}</AccessControlList>`;
  return xmlReply(xmlDocument('AccessControlPolicy', ownerElement(owner) + list));
}

export function getObjectAcl(call: ObjectCall): Reply {
  const version = findObject(call, 's3:GetObjectAcl');
  return aclReply(version.acl, version.owner, call.bucket);
}

function cannedOnly(): AwsError {
  return new AwsError(501, 'NotImplemented', 'The local AWS takes ACLs by the x-amz-acl header only.');
}

export async function putObjectAcl(call: ObjectCall): Promise<Reply> {
  const version = findObject(call, 's3:PutObjectAcl');
  await receiveText(call.request, call.signing, call.storage.folder);
  const acl = requestedAcl(call.request, call.bucket);
  if (header(call.request, 'x-amz-acl') === undefined) throw cannedOnly();
  version.acl = acl;
  return ok();
}

export function getBucketAcl(call: BucketCall): Reply {
  return aclReply('private', call.bucket.account, call.bucket);
}

export async function putBucketAcl(call: BucketCall): Promise<Reply> {
  await receiveText(call.request, call.signing, call.storage.folder);
  const acl = header(call.request, 'x-amz-acl');
  requestedAcl(call.request, call.bucket);
  if (acl !== 'private' && acl !== 'bucket-owner-full-control') throw cannedOnly();
  return ok();
}
