import { AwsError } from '../aws-error.ts';
import { release, type Body } from '../body.ts';
import { header, type Request } from '../request.ts';
import { settleEtag, type Version } from './bucket.ts';

interface Validators {
  readonly etag: string;
  readonly lastModified: number;
}

const failed = (condition: string): AwsError =>
  new AwsError(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    Condition: condition,
  });

function lists(condition: string, etag: string): boolean {
  return condition
    .split(',')
    .map((item) => item.trim().replace(/^"|"$/g, ''))
    .some((item) => item === '*' || item === etag);
}

function time(request: Request, name: string): number | undefined {
  const value = Date.parse(header(request, name) ?? '');
  return Number.isNaN(value) ? undefined : value;
}

/** RFC 9110's order of precedence: an ETag's condition makes the date's of the same sense void. */
function check(request: Request, prefix: string, object: Validators): 'met' | 'not-modified' {
  const ifMatch = header(request, `${prefix}if-match`);
  const since = time(request, `${prefix}if-unmodified-since`);
  if (ifMatch !== undefined) {
    if (!lists(ifMatch, object.etag)) throw failed('If-Match');
  } else if (since !== undefined && object.lastModified > since) {
    throw failed('If-Unmodified-Since');
  }
  const ifNoneMatch = header(request, `${prefix}if-none-match`);
  const modifiedSince = time(request, `${prefix}if-modified-since`);
  if (ifNoneMatch !== undefined) return lists(ifNoneMatch, object.etag) ? 'not-modified' : 'met';
  return modifiedSince !== undefined && object.lastModified <= modifiedSince ? 'not-modified' : 'met';
}

/** The conditions of a GET or HEAD. */
export function checkRead(request: Request, object: Validators): 'met' | 'not-modified' {
  return check(request, '', object);
}

/** The conditions on a copy's source: unmet is always an error. */
export function checkCopySource(request: Request, object: Validators): void {
  if (check(request, 'x-amz-copy-source-', object) === 'not-modified') throw failed('If-None-Match');
}

/** Makes sure that `checkWrite` knows the ETag of what is there, which may take a while. */
export async function settleWrite(request: Request, current: () => Version | undefined): Promise<void> {
  if (header(request, 'if-match') === undefined) return;
  for (let version = current(); version?.kind === 'object' && version.etag === undefined; version = current())
    await settleEtag(version);
}

/**
 * The conditions of an upload: If-None-Match: * for "only if new", If-Match for "only if unchanged". At once, so that nothing comes
 * between this and the upload's own entry.
 */
export function checkWrite(request: Request, current: Version | undefined): void {
  const ifNoneMatch = header(request, 'if-none-match');
  const ifMatch = header(request, 'if-match');
  const etag = current?.kind === 'object' ? current.etag : undefined;
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*')
      throw new AwsError(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented', {
        Header: 'If-None-Match',
      });
    if (current?.kind === 'object') throw failed('If-None-Match');
  }
  if (ifMatch === undefined) return;
  if (current?.kind !== 'object') throw new AwsError(404, 'NoSuchKey', 'The specified key does not exist.');
  if (etag === undefined || !lists(ifMatch, etag)) throw failed('If-Match');
}

/** The same once more, when the content has come: meanwhile another upload of the key may have ended. Lets the content go where it is unmet. */
export async function checkWriteAgain(request: Request, current: () => Version | undefined, body: Body): Promise<void> {
  try {
    await settleWrite(request, current);
    checkWrite(request, current());
  } catch (error) {
    release(body);
    throw error;
  }
}
