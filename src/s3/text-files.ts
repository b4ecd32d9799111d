import { createHash } from 'node:crypto';
import { RestageError } from '../errors.ts';
import type { BucketSettings } from './bucket.ts';
import { readText, s3Client, type S3Client, type S3Request } from './client.ts';
import { folderQuery, readFolders } from './folders.ts';
import { unquote } from './listing.ts';
import { describeBucket } from './origin.ts';
import { again } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { textFileError, type FilesOrigin } from './text-file-error.ts';

export interface TextFile {
  readonly text: string;
  /** As the store gives it, in quotes. */
  readonly etag: string;
}

/** Small texts in a bucket, of which some are written only as long as nobody else has. */
export interface TextFiles extends Disposable {
  /** Undefined where there is none. */
  read(key: string): Promise<TextFile | undefined>;
  /** Whatever is there. */
  write(key: string, text: string, contentType: string): Promise<void>;
  /**
   * Only while the file has this ETag, or, without one, while there is none. Gives the new ETag; undefined, and nothing is written,
   * where it is otherwise.
   */
  writeIf(key: string, text: string, contentType: string, etag: string | undefined): Promise<string | undefined>;
  /** The names of the folders right under a prefix, `folder/` or nothing; in order. */
  folders(prefix: string): Promise<readonly string[]>;
}

export interface TextFileSettings {
  readonly bucket: BucketSettings;
  /** Whose keys they are, in words, for what is to be allowed to them. */
  readonly asker: string;
  /** What all keys begin with, `folder/` or nothing; undefined for a single file, which is only read. */
  readonly folder?: string;
  /** How long one request may take at most, in milliseconds, all its tries together; without it through an outage of a minute. */
  readonly patienceMs?: (() => number) | undefined;
}

/**
 * All methods throw `bucket-missing`, `bucket-denied` with the action and the ARN that are lacking, `credentials-failed`,
 * `aws-unreachable`.
 */
export function textFiles({ bucket: settings, asker, folder, patienceMs }: TextFileSettings): TextFiles {
  const { bucket, endpoint } = settings;
  const client = s3Client({ ...settings, access: folder === undefined ? 'read-only' : 'read-write' });
  const origin = { bucket, endpoint, region: settings.region, account: settings.account, asker, folder };
  const request = patient(client, origin, patienceMs);
  const put = async (key: string, text: string, contentType: string, condition: Condition = {}): Promise<Put> => {
    const body = Buffer.from(text);
    const md5 = createHash('md5').update(body).digest('base64');
    const headers = { 'content-type': contentType, 'content-length': String(body.length), 'content-md5': md5 };
    let isUnsure = false;
    try {
      const { etag } = await request(
        { method: 'PUT', bucket, key, body, headers: { ...headers, ...condition } },
        (error) => {
          // It may have been written all the same: what the next try meets may be its own.
          isUnsure ||= !(error instanceof S3Error) || error.status >= 500;
        },
      );
      return { etag, isUnsure };
    } catch (error) {
      if (isUnmet(error, condition)) return { isUnsure };
      throw await textFileError(client, origin, error, 'written', key);
    }
  };
  const read: TextFiles['read'] = async (key) => {
    try {
      return await request({ method: 'GET', bucket, key });
    } catch (error) {
      if (error instanceof S3Error && error.code === 'NoSuchKey') return undefined;
      throw await textFileError(client, origin, error, 'read', key);
    }
  };
  const folders: TextFiles['folders'] = async (prefix) => {
    const found: string[] = [];
    try {
      for (let token: string | undefined, isLast = false; !isLast; isLast = token === undefined) {
        const { text } = await request({ method: 'GET', bucket, query: folderQuery(prefix, token) });
        const page = readFolders(
          text,
          prefix,
          (what) => new RestageError('bucket-denied', `the listing of ${describeBucket(origin)} is not S3's: ${what}`),
        );
        found.push(...page.folders);
        token = page.next;
      }
    } catch (error) {
      throw await textFileError(client, origin, error, 'listed', prefix);
    }
    return found;
  };
  let tried: Promise<ETagForm> | undefined;
  /** AWS heeds conditions, and takes an ETag as it has given it. */
  const formOfETags = async (): Promise<ETagForm> => {
    if (endpoint === undefined) return asGiven;
    const key = `${folder}conditions.txt`;
    tried ??= tryConditions(
      (condition) => put(key, 'restage', plain, condition),
      async () => (await read(key))?.etag,
      origin,
    );
    return tried;
  };
  return {
    read,
    write: async (key, text, contentType) => void (await put(key, text, contentType)),
    writeIf: async (key, text, contentType, etag) => {
      const form = await formOfETags();
      const condition = etag === undefined ? { 'if-none-match': '*' } : { 'if-match': form(etag) };
      const done = await put(key, text, contentType, condition);
      if (done.etag !== undefined || !done.isUnsure) return done.etag;
      const there = await read(key);
      return there?.text === text ? there.etag : undefined;
    },
    folders,
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

const plain = 'text/plain; charset=utf-8';

type Condition = Readonly<Record<string, string>>;

interface Put {
  /** Undefined where the condition was not met. */
  readonly etag?: string;
  /** A try before the last one had no answer. */
  readonly isUnsure: boolean;
}

/** Whether the store says that the condition does not hold; of a file that is gone, that it is. */
function isUnmet(error: unknown, condition: Condition): boolean {
  if (!(error instanceof S3Error)) return false;
  return error.status === 412 || (condition['if-match'] !== undefined && error.code === 'NoSuchKey');
}

/**
 * Sends a request until it is answered, its body read. A store that has never answered is asked twice only: no way may lead to it,
 * and each try takes ten seconds to find that out.
 */
function patient(client: S3Client, origin: FilesOrigin, patienceMs: TextFileSettings['patienceMs']) {
  let hasAnswered = false;
  return async (request: S3Request, onFailure?: (error: unknown) => void): Promise<TextFile> => {
    let misses = 0;
    const limitMs = patienceMs?.();
    const signal = limitMs === undefined ? undefined : AbortSignal.timeout(limitMs);
    const tried = again(
      async () => {
        try {
          const response = await client.send({ ...request, signal });
          hasAnswered = true;
          return { text: await readText(response.body), etag: response.headers.etag ?? '' };
        } catch (error) {
          hasAnswered ||= error instanceof S3Error;
          misses += 1;
          if (hasAnswered || misses < 2) throw error;
          throw await textFileError(client, origin, error, 'read', '');
        }
      },
      signal,
      onFailure,
    );
    try {
      // Its keys too may be waited for.
      return await (signal ? Promise.race([tried, over(signal)]) : tried);
    } catch (error) {
      if (!signal?.aborted || error instanceof S3Error) throw error;
      tried.catch(() => {}); // it ends by the same signal
      onFailure?.(error);
      const late = new Error(`it has not answered for ${Math.round((limitMs ?? 0) / 1000)} s`, { cause: error });
      throw await textFileError(client, origin, late, 'read', '');
    }
  };
}

function over(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

/**
 * How the store wants ETags in a condition: Ceph's gateway compares them without quotes. Throws `bucket-denied` where a condition that
 * does not hold is read past: two would take themselves for the only one.
 */
async function tryConditions(
  put: (condition: Condition) => Promise<Put>,
  readETag: () => Promise<string | undefined>,
  { bucket, endpoint }: FilesOrigin,
): Promise<ETagForm> {
  const first = await put({ 'if-none-match': '*' });
  const [onceMore, wrongTag] = [await put({ 'if-none-match': '*' }), await put({ 'if-match': `"${'0'.repeat(32)}"` })];
  const cannot = (what: string) =>
    new RestageError(
      'bucket-denied',
      `the store ${endpoint} ${what} of a PUT to ${bucket}: a run could be made twice at once`,
      {
        hint: 'Runs are kept in a store that heeds conditional writes, as AWS S3, MinIO and Ceph do.',
      },
    );
  if (onceMore.etag !== undefined) throw cannot('reads past If-None-Match');
  if (wrongTag.etag !== undefined) throw cannot('reads past If-Match');
  const etag = first.etag ?? (await readETag()) ?? '';
  for (const form of [asGiven, unquote]) if ((await put({ 'if-match': form(etag) })).etag !== undefined) return form;
  throw cannot('knows no ETag for If-Match');
}

type ETagForm = (etag: string) => string;

const asGiven: ETagForm = (etag) => etag;
