import { readXml, s3Client, type S3Client, type S3Settings } from './client.ts';
import { S3Error } from './s3-error.ts';

/** The buckets of the keys' account, and why it is not all of them. */
export interface BucketNames {
  readonly found: readonly string[];
  readonly lacking: string | undefined;
}

/** The names of the account's own buckets. Nothing is thrown: what the store refused is told in words. */
export async function listBuckets(
  settings: Omit<S3Settings, 'access' | 'account'>,
  signal?: AbortSignal,
): Promise<BucketNames> {
  using client = s3Client({ ...settings, access: 'read-only' });
  try {
    const { buckets } = await ownBuckets(client, signal);
    return { found: buckets.map(({ name }) => name), lacking: undefined };
  } catch (error) {
    if (error instanceof S3Error)
      return { found: [], lacking: `${error.message} (${error.code}); it takes s3:ListAllMyBuckets` };
    return { found: [], lacking: error instanceof Error ? error.message : String(error) };
  }
}

/** The buckets that the keys' account owns. */
export interface OwnBuckets {
  /** By the store's id for it. */
  readonly owner: string | undefined;
  readonly buckets: readonly { readonly name: string; readonly madeAt: string | undefined }[];
}

/** Throws S3Error where the store refuses: it takes s3:ListAllMyBuckets. */
export async function ownBuckets(client: S3Client, signal?: AbortSignal): Promise<OwnBuckets> {
  const { ListAllMyBucketsResult: result } = (await readXml(await client.send({ method: 'GET', signal }))) as {
    ListAllMyBucketsResult?: {
      Owner?: { ID?: string };
      Buckets?: { Bucket?: readonly { Name: string; CreationDate?: string }[] };
    };
  };
  const buckets = (result?.Buckets?.Bucket ?? []).map(({ Name, CreationDate }) => ({
    name: Name,
    madeAt: CreationDate,
  }));
  return { owner: result?.Owner?.ID, buckets };
}
