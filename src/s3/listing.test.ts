import { expect, test } from 'vitest';
import { readPage, unquote, type ListedObject, type ListPage } from './listing.ts';

interface Entry {
  readonly key: string;
  readonly more?: string;
}

const entry = ({ key, more = '' }: Entry) =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-22T23:15:00.000Z</LastModified>` +
  `<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag><Size>5</Size>${more}</Contents>`;

/** As S3 writes it: the facts of the page before the entries. */
const document = (entries: readonly Entry[], facts = '<IsTruncated>false</IsTruncated>') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>shelf</Name>` +
  `<Prefix></Prefix><KeyCount>${entries.length}</KeyCount><EncodingType>url</EncodingType>${facts}${entries.map(entry).join('')}</ListBucketResult>`;

const page = (text: string): ListPage =>
  readPage({ bytes: Buffer.from(text), giveBack: () => {} }, (what) => new Error(what));

const objects = (text: string): readonly ListedObject[] => Array.from(page(text).objects);

const keys = (written: readonly string[]) => objects(document(written.map((key) => ({ key })))).map(({ key }) => key);

/** What is wrong with a page, at once or when its entries are asked for. */
const problem = (text: string): string | undefined => {
  try {
    objects(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

test('an entry is read with all that counts', () => {
  const more = '<StorageClass>GLACIER</StorageClass><Owner><ID>1</ID></Owner>';
  expect(objects(document([{ key: 'a/b.jpg', more }]))).toEqual([
    {
      key: 'a/b.jpg',
      sizeBytes: 5,
      etag: '5d41402abc4b2a76b9719d911017c592',
      modifiedAt: '2026-11-22T23:15:00.000Z',
      storageClass: 'GLACIER',
    },
  ]);
});

test('an object without a storage class is a standard one', () => {
  expect(objects(document([{ key: 'a' }]))[0]?.storageClass).toBe('STANDARD');
});

test.each([
  ['a+b', 'a b'],
  ['a%20b', 'a b'],
  ['a%2Bb', 'a+b'],
  ['100%25', '100%'],
  ['a%252Fb', 'a%2Fb'],
  ['a%26amp%3Bb', 'a&amp;b'],
  ['a&amp;b', 'a&b'],
  ['&lt;&gt;&quot;&apos;', `<>"'`],
  ['&#x41;&#66;&#10;', 'AB\n'],
  ['caf%C3%A9', 'caf\u00e9'],
  ['cafe%CC%81', 'cafe\u0301'],
  ['%F0%9F%98%80', '\u{1f600}'],
  ['%F4%8F%BF%BF', '\u{10ffff}'],
  ['%EF%BF%BF', '\uffff'],
  ['%01%09%0A%7F', '\u0001\t\n\u007f'],
  ['/a//b/./../', '/a//b/./../'],
  ['%3CKey%3E', '<Key>'],
  ['%3C/Contents%3E', '</Contents>'],
  ['%5C%22', '\\"'],
])('the key %j of a listing is %j', (written, key) => {
  expect(keys([written, 'z'])).toEqual([key, 'z']);
  expect(page(document([{ key: 'a' }, { key: written }])).lastKey).toBe(key);
});

test('a key of 1,024 bytes is read whole', () => {
  expect(keys(['%F0%9F%98%80'.repeat(256)])).toEqual(['\u{1f600}'.repeat(256)]);
});

test('a key that is no text is told, and not made into another', () => {
  expect(problem(document([{ key: 'a' }, { key: 'b%FF' }]))).toBe('it has a key that is not UTF-8: b%FF');
});

test('a page that is cut off tells where the next begins, before or behind its entries', () => {
  const facts = '<IsTruncated>true</IsTruncated><NextContinuationToken>1/x+&amp;=</NextContinuationToken>';
  const before = document([{ key: 'a' }], facts);
  const behind = document([{ key: 'a' }], '').replace('</ListBucketResult>', `${facts}</ListBucketResult>`);
  expect([page(before).next, page(behind).next]).toEqual(['1/x+&=', '1/x+&=']);
  expect(page(document([{ key: 'a' }])).next).toBeUndefined();
});

test('a key that looks like a fact of the page is none', () => {
  const key = '&lt;IsTruncated&gt;true&lt;/IsTruncated&gt;';
  expect(keys([key])).toEqual(['<IsTruncated>true</IsTruncated>']);
  expect(page(document([{ key }])).next).toBeUndefined();
});

test('a page without entries is a page', () => {
  expect(objects(document([]))).toEqual([]);
  const facts = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>';
  expect(objects(document([], facts))).toEqual([]);
  expect(page(document([], facts))).toMatchObject({ lastKey: undefined, next: 't' });
});

test.each([
  ['an empty body', '', 'no ListBucketResult in it, or not all of one'],
  ['a page of HTML', '<html><body>maintenance</body></html>', 'no ListBucketResult in it, or not all of one'],
  ['an error', '<Error><Code>SlowDown</Code></Error>', 'no ListBucketResult in it, or not all of one'],
  ['half a document', document([{ key: 'a' }]).slice(0, -30), 'no ListBucketResult in it, or not all of one'],
  ['no token', document([], '<IsTruncated>true</IsTruncated>'), 'it is cut off and cannot be continued'],
  [
    'an empty token',
    document([], '<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>'),
    'it is cut off and cannot be continued',
  ],
  ['no size', document([{ key: 'a' }]).replace('<Size>5</Size>', ''), 'it has an entry without its facts: a'],
  ['no ETag', document([{ key: 'a' }]).replace(/<ETag>.*<\/ETag>/, ''), 'it has an entry without its facts: a'],
  [
    'no time',
    document([{ key: 'a' }, { key: 'b' }]).replace(/<LastModified>[^<]*<\/LastModified>/, ''),
    'it has an entry without its facts: a',
  ],
])('a listing with %s is none, and never an empty one', (_what, text, wrong) => {
  expect(problem(text)).toBe(wrong);
});

// Some stores take no notice of encoding-type.
test('a key of a listing that is not encoded is taken as it is', () => {
  const plain = document([{ key: 'a+b' }, { key: '100%' }, { key: 'a%2Fb' }, { key: '\u{1f600}&amp;' }]).replace(
    '<EncodingType>url</EncodingType>',
    '',
  );
  expect(objects(plain).map(({ key }) => key)).toEqual(['a+b', '100%', 'a%2Fb', '\u{1f600}&']);
});

test('an ETag is bare of its quotes, however they are written', () => {
  expect(['"a-2"', '&quot;a-2&quot;', '&#34;a-2&#34;', 'a-2'].map(unquote)).toEqual(['a-2', 'a-2', 'a-2', 'a-2']);
  expect(unquote(undefined)).toBe('');
});
