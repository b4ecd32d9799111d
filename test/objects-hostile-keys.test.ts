import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { configOf } from './store/config-of.ts';
import { countVersions, readObjects } from './store/read-objects.ts';
import { store, useStore } from './store/use-store.ts';

useStore();

const punctuation = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index))
  .filter((char) => !/[a-zA-Z0-9/]/.test(char))
  .join('');

/** By what makes each of them hostile. */
const keys: Readonly<Record<string, string>> = {
  space: 'with space.txt',
  'spaces around': ' around / around ',
  unicode: 'ünïcode-日本語.txt',
  emoji: 'party-🎉/👩‍👩‍👧.txt',
  'composed (NFC)': 'caf\u00e9',
  'decomposed (NFD)': 'cafe\u0301',
  plus: 'plus+plus.txt',
  'percent, encoded already': 'per%20cent%2Ftwice%2520.txt',
  'percent, bare': '100%/50%off',
  'double slash': 'a//double.txt',
  'trailing slash': 'dir-marker/',
  'leading slash': '/leading.txt',
  'a dot as a segment': 'b/./dot.txt',
  'two dots as a segment': 'b/../up.txt',
  'two dots at the start': '../escape.txt',
  quotes: `quote'"\`.txt`,
  'a query and a fragment': 'q?x=1#y',
  backslash: 'back\\slash\\..\\key',
  tab: 'tab\there',
  newline: 'new\nline\r\n',
  'the character 0x01': 'control\u0001\u001f\u007f.txt',
  '1,024 bytes': '長'.repeat(341) + 'x',
  'a name that another continues': 'clash',
  'a name that continues another': 'clash/inner',
  'stars and question marks': 'star*glob?[a-z]{b,c}.txt',
  'every punctuation': punctuation,
  'special in XML': `<Key>&amp;&lt;a>'"&#10;]]></Key>`,
  'an XML entity that is none': '&nbsp;&#0;&',
  'a trailing dot': 'ends-with-dot.',
  'nothing but a slash': '/',
  'nothing but dots': '..',
  'beyond the BMP, beside the end of the BMP': '\u{10000}-\uffee',
};
const emptyKey = 'empty: zero bytes.txt';

test('the keys are 26 and more, all different, and one has the most bytes that S3 takes', () => {
  const all = Object.values(keys);
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(26);
  expect(Math.max(...all.map((key) => Buffer.byteLength(key)))).toBe(1024);
});

for (const route of ['stream', 'server'] as const)
  test(`every hostile key arrives with all its headers, metadata and tags by the route ${route}, once`, async () => {
    const { source, target } = store;
    const from = await source.createBucket({ readableBy: target });
    const to = await target.createBucket({ versioned: true });
    await Promise.all([...Object.values(keys), emptyKey].map((key) => put(from, key)));
    const shell = await configOf(store, {
      buckets: { images: { source: from, target: to } },
      objects: { images: { route } },
    });

    const first = await shell.sync();
    expect(first.code, first.stderr).toBe(0);
    const expected = await readObjects(source, from);
    expect(await readObjects(target, to)).toEqual(expected);
    // So that two empty hands are not taken for equal.
    expect([...expected.keys()].toSorted()).toEqual([...Object.values(keys), emptyKey].toSorted());
    for (const [key, object] of expected) expect(object).toMatchObject(given(key));

    const second = await shell.sync();
    expect(second.code, second.stderr).toBe(0);
    expect(second.report.figures.objects).toMatchObject({ copied: 0, failed: 0 });
    const versions = await countVersions(target, to);
    expect([...versions.values()]).toEqual(Array.from(expected, () => 1));

    const verified = await shell.restage('verify');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });

/** What an object is given, and must be seen to have at both ends; a value of its own for each. */
function given(key: string) {
  const number = [...Object.values(keys), emptyKey].indexOf(key);
  return {
    sizeBytes: key === emptyKey ? 0 : Buffer.byteLength(`content of ${key}`),
    headers: {
      'content-type': `text/x-${number}; charset=utf-8`,
      'cache-control': `max-age=${number}, private`,
      'content-disposition': `attachment; filename="a b;${number}.txt"; filename*=UTF-8''%e2%82%ac`,
      'content-encoding': 'gzip',
      'content-language': 'de, en',
      expires: 'Tue, 01 Jan 2030 00:00:00 GMT',
      'x-amz-website-redirect-location': `/else/where-${number}.html?a=b#c`,
    },
    metadata: { number: String(number), 'with-dashes': 'inner  spaces, "quotes"' },
    tags: { number: String(number), 'a key: with = + - . _ / @': 'a value: with = + - . _ / @ and ünïcode' },
  };
}

async function put(bucket: string, key: string): Promise<void> {
  const { headers, metadata, tags } = given(key);
  await store.source.client.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: Buffer.from(key === emptyKey ? '' : `content of ${key}`),
      ContentType: headers['content-type'],
      CacheControl: headers['cache-control'],
      ContentDisposition: headers['content-disposition'],
      ContentEncoding: headers['content-encoding'],
      ContentLanguage: headers['content-language'],
      Expires: new Date(headers.expires),
      WebsiteRedirectLocation: headers['x-amz-website-redirect-location'],
      Metadata: metadata,
      // A space as %20: not every store reads a plus as one.
      Tagging: new URLSearchParams(tags).toString().replaceAll('+', '%20'),
    }),
  );
}
