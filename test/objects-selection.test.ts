import { readFile, writeFile } from 'node:fs/promises';
import { paginateListObjectsV2, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { type Configured, configOf } from './store/config-of.ts';
import { needs, store, useStore } from './store/use-store.ts';

useStore();

const everything = { maxCount: 1000, maxPercent: 100 };

test('only what is selected is copied, renamed, compared and deleted; all else is left alone at both ends', async () => {
  const { shell, to } = await arrange(
    {
      prefix: 'site/',
      include: ['site/**.{jpg,png}', 'site/books/**'],
      exclude: ['site/books/drafts/**', '**/.hidden*', 'site/tmp/**'],
      renames: { 'site/books/': 'site/catalog/', 'site/img/': 'shared_pictures/' },
      delete: everything,
    },
    words(`site/a.jpg site/deep/er/b.png site/c.gif site/.hidden.jpg site/tmp/d.jpg site/books/1 site/books/drafts/2
      site/books/.hidden site/books/é+//3 site/img/e.jpg other/f.jpg siteg.jpg`),
    [
      // Not selected, each for its own reason.
      words(`other/extra.jpg site/extra.gif site/tmp/extra.jpg site/catalog/drafts/extra site/catalog/.hidden
        shared_pictures/extra.gif shared_pictures/.hidden.jpg siteg.jpg site/.hidden-extra.png`),
      // Selected, and of nobody at the source.
      words('site/extra.jpg site/catalog/extra shared_pictures/extra.jpg'),
    ].flat(),
  );
  const { code, stderr, report } = await shell.sync();
  expect(code, stderr).toBe(0);
  expect(report.figures.objects).toMatchObject({ source: 5, copied: 5, deleted: 3 });
  expect(await contentsOf('target', to)).toEqual(
    Object.fromEntries(
      [
        ['other/extra.jpg', 'target'],
        ['shared_pictures/.hidden.jpg', 'target'],
        ['shared_pictures/e.jpg', 'source'],
        ['shared_pictures/extra.gif', 'target'],
        ['site/.hidden-extra.png', 'target'],
        ['site/a.jpg', 'source'],
        ['site/catalog/.hidden', 'target'],
        ['site/catalog/1', 'source'],
        ['site/catalog/drafts/extra', 'target'],
        ['site/catalog/é+//3', 'source'],
        ['site/deep/er/b.png', 'source'],
        ['site/extra.gif', 'target'],
        ['site/tmp/extra.jpg', 'target'],
        ['siteg.jpg', 'target'],
      ].map(([key = '', side]) => [key, side === 'source' ? 6 : 'of target'.length]),
    ),
  );
  const verified = await shell.restage('verify');
  expect(verified.code, verified.stdout).toBe(0);
  expect(verified.stdout).toContain('5 of 5 equal');
  const again = await shell.sync();
  expect([again.code, again.report.steps]).toEqual([0, []]);
});

test('a pattern that no key matches is told in the plan, and one that some key matches is not', async () => {
  const { shell } = await arrange({ include: ['*.jpg', '*.jpeg'], exclude: ['b*', 'c*'] }, ['a.jpg', 'b.jpg'], []);
  const { stdout } = await shell.restage('plan');
  expect(stdout.split('\n').filter((line) => line.startsWith('note: '))).toEqual([
    'note: images: no key matches *.jpeg',
    'note: images: no key matches c*',
  ]);
  expect(stdout).toMatch(/include\s+\*\.jpg, \*\.jpeg\n\s+exclude\s+b\*, c\*/);
});

test.each([
  [
    'a rename leads to',
    { renames: { 'books/': 'catalog/' } },
    'catalog/x',
    'renames puts there what begins with books/',
  ],
  ['a backup is kept under', { backup: 'kept/' }, 'kept/x', 'backup is kept there'],
  ['a backup would be kept under', { renames: { 'b/': 'k/' }, backup: 'k/e/' }, 'b/e/x', 'backup is kept there'],
])('a key of the source that stands where %s stops the plan', async (_what, settings, key, reason) => {
  const { shell, to } = await arrange(settings, ['books/x', key], ['other']);
  const { code, stderr } = await shell.restage('sync', '--yes');
  expect(code, stderr).toBe(1);
  expect(stderr).toContain(`"${key}" in `);
  expect(stderr).toContain(`has no room in the target: ${reason}`);
  expect(stderr).toContain('Exclude such keys, rename them too, or choose another prefix.');
  expect(Object.keys(await contentsOf('target', to))).toEqual(['other']);
});

test('several buckets go in one run, each by its own settings', async () => {
  const [one, two] = [await fill(['a', 'b'], []), await fill(['a', 'b'], ['extra'])];
  const shell = await configOf(store, {
    buckets: { one, two },
    objects: { one: { exclude: ['b'] }, two: { renames: { b: 'c' }, delete: everything } },
  });
  const { code, stderr, report } = await shell.sync();
  expect(code, stderr).toBe(0);
  expect(report.figures.objects).toMatchObject({ source: 3, copied: 3, deleted: 1, equal: 3 });
  expect(Object.keys(await contentsOf('target', one.target))).toEqual(['a']);
  expect(Object.keys(await contentsOf('target', two.target))).toEqual(['a', 'c']);
});

const denied = { kind: 'error', status: 403, code: 'AccessDenied', message: 'Access Denied' } as const;

needs('faults')(
  'an object of one bucket that cannot be read does not keep another bucket from being copied',
  async () => {
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
    const [one, two] = [await fill(['good', 'unreadable'], []), await fill(keys, [])];
    const shell = await configOf(store, { buckets: { one, two } });
    await store.aws?.inject({ match: { operation: 'GetObject', key: 'unreadable' }, ...denied });
    await store.aws?.inject({ match: { operation: 'PutObject', bucket: two.target }, kind: 'delay', delayMs: 50 });
    const { code, report } = await shell.sync();
    await store.aws?.clearFaults();
    expect(report.failure?.message).toContain('1 of 2 objects could not be copied');
    expect(code).toBe(1);
    expect(Object.keys(await contentsOf('target', two.target))).toHaveLength(keys.length);
  },
);

needs('faults')('of two buckets the one that failed is told as that, and the other as what it is', async () => {
  const [one, two] = [await fill(['good', 'unreadable'], []), await fill(['a', 'b'], [])];
  const shell = await configOf(store, { buckets: { one, two } });
  const match = { operation: 'GetObject', bucket: one.source };
  await store.aws?.inject({ match: { ...match, key: 'unreadable' }, ...denied });
  await store.aws?.inject({ match, kind: 'delay', delayMs: 1200 });
  const { code, report } = await shell.sync();
  await store.aws?.clearFaults();
  expect([code, report.failure?.step]).toEqual([1, 'copy-objects one']);
  expect(report.steps.map(({ id, outcome }) => [id, outcome.status])).toEqual([
    ['copy-objects one', 'failed'],
    ['verify-objects one', 'not-run'],
    ['copy-objects two', 'done'],
    ['verify-objects two', 'done'],
  ]);
  expect(report.figures.objects).toMatchObject({ copied: 3, failed: 1, equal: 2 });
  expect(Object.keys(await contentsOf('target', one.target))).toEqual(['good']);
  expect(Object.keys(await contentsOf('target', two.target))).toEqual(['a', 'b']);
});

test('what is wrong with the settings of a bucket is told with its line, all at once, before anything is asked', async () => {
  const { shell } = await arrange({}, [], []);
  const settings = JSON.parse(await readFile(shell.configFile, 'utf8')) as Record<string, unknown>;
  const { objects: _none, ...rest } = settings;
  const head = `${JSON.stringify(rest).slice(0, -1)},`;
  const wrong = [
    `"objects": {`,
    `  "images": {`,
    `    "exclude": ["fine/**", "open[a"],`,
    `    "include": ["{a,b"],`,
    `    "renames": { "books/": "catalog/", "books/old/": "older/", "x/": "x/", "y/": "catalog/y/" },`,
    `    "delete": { "maxPercent": 101 },`,
    `    "backup": "kept",`,
    `    "excludes": []`,
    `  },`,
    `  "imagse": {}`,
    `}}`,
  ];
  await writeFile(shell.configFile, [head, ...wrong].join('\n'));
  const { code, stdout, stderr } = await shell.restage('plan');
  expect([code, stdout]).toEqual([2, '']);
  for (const line of [
    /:4\b.*objects\.images\.exclude\.1:.*cannot be read: its \[ is not closed/,
    /:5\b.*objects\.images\.include\.0:.*cannot be read: its \{ is not closed/,
    /:6\b.*objects\.images\.renames\..*begins with books\/, which is renamed too/,
    /:6\b.*objects\.images\.renames\..*is renamed to itself/,
    /:6\b.*objects\.images\.renames\..*goes where books\/ goes too: catalog\//,
    /:7\b.*objects\.images\.delete\.maxPercent.*a number from 0 to 100/,
    /:8\b.*objects\.images\.backup.*a prefix that ends with \//,
    /:9\b.*excludes.*did you mean exclude/,
    /:11\b.*objects\.imagse.*is no bucket of source\.buckets; did you mean images\?/,
  ])
    expect(stderr).toMatch(line);
});

const words = (text: string): readonly string[] => text.split(/\s+/);

interface Buckets {
  readonly source: string;
  readonly target: string;
}

async function arrange(
  settings: object,
  source: readonly string[],
  target: readonly string[],
): Promise<{ readonly shell: Configured; readonly to: string }> {
  const images = await fill(source, target);
  return { to: images.target, shell: await configOf(store, { buckets: { images }, objects: { images: settings } }) };
}

/** Objects of 6 bytes at the source, of 9 at the target. */
async function fill(source: readonly string[], target: readonly string[]): Promise<Buckets> {
  const buckets = { source: await store.source.createBucket(), target: await store.target.createBucket() };
  for (const Key of source)
    await store.source.client.send(new PutObjectCommand({ Bucket: buckets.source, Key, Body: 'source' }));
  for (const Key of target)
    await store.target.client.send(new PutObjectCommand({ Bucket: buckets.target, Key, Body: 'of target' }));
  return buckets;
}

/** Sizes by key. */
async function contentsOf(side: 'source' | 'target', Bucket: string): Promise<Readonly<Record<string, number>>> {
  const sizes: Record<string, number> = {};
  for await (const page of paginateListObjectsV2({ client: store[side].client }, { Bucket }))
    for (const { Key = '', Size = 0 } of page.Contents ?? []) sizes[Key] = Size;
  return sizes;
}
