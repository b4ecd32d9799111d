import { keyOf, pageFacts } from './listing.ts';

/** One page of the folders that lie right under a prefix. */
export interface FolderPage {
  /** Their names, without the prefix and the slash behind, in order. */
  readonly folders: readonly string[];
  /** Where the next page begins; undefined where this is the last. */
  readonly next: string | undefined;
}

/** What to ask for them: ListObjectsV2 up to the first slash after the prefix. `token` is the `next` of the page before. */
export function folderQuery(prefix: string, token: string | undefined): Readonly<Record<string, string>> {
  return {
    'list-type': '2',
    'encoding-type': 'url',
    delimiter: '/',
    ...(prefix === '' ? {} : { prefix }),
    ...(token === undefined ? {} : { 'continuation-token': token }),
  };
}

/** Throws what `fail` makes of what is wrong with the answer. */
export function readFolders(page: string, prefix: string, fail: (what: string) => Error): FolderPage {
  // The objects that lie there themselves may be many, and are not asked for.
  const { isEncoded, next } = pageFacts(page, fail);
  const folders = [...page.matchAll(/<CommonPrefixes>\s*<Prefix>([^<]*)<\/Prefix>/g)].map(([, listed = '']) => {
    const folder = keyOf(listed, isEncoded);
    if (folder?.startsWith(prefix) !== true) throw fail(`it has a folder that was not asked for: ${listed}`);
    return folder.slice(prefix.length).replace(/\/$/, '');
  });
  return { folders, next };
}
