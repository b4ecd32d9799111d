import { expect, test } from 'vitest';
import { folderQuery, readFolders } from './folders.ts';

const page = (inner: string) => `<?xml version="1.0"?><ListBucketResult><Name>b</Name>${inner}</ListBucketResult>`;
const common = (prefix: string) => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`;
const fail = (what: string) => new Error(what);

test('folders are told by their names, whether a store writes keys as a URL has them or not', () => {
  const encoded = page(`<EncodingType>url</EncodingType>${common('our+runs/a%26b/')}${common('our+runs/%C3%A9/')}`);
  expect(readFolders(encoded, 'our runs/', fail)).toEqual({ folders: ['a&b', 'é'], next: undefined });
  expect(readFolders(page(common('our runs/a&amp;b/')), 'our runs/', fail).folders).toEqual(['a&b']);
});

test('a page that is cut off says where the next begins, and one that does not say so is refused', () => {
  const cut = (more: string) => page(`<IsTruncated>true</IsTruncated>${more}${common('a/')}`);
  const { next } = readFolders(cut('<NextContinuationToken>a&amp;b</NextContinuationToken>'), '', fail);
  expect(next).toBe('a&b');
  expect(folderQuery('', next)).toMatchObject({ 'continuation-token': 'a&b', delimiter: '/' });
  expect(() => readFolders(cut(''), '', fail)).toThrow('it is cut off and cannot be continued');
});

test('what is no listing, or not of that folder, is refused', () => {
  expect(() => readFolders('<html>', '', fail)).toThrow('no ListBucketResult');
  expect(() => readFolders(page(common('elsewhere/')), 'runs/', fail)).toThrow('not asked for: elsewhere/');
});
