import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connect,
  loadConfig,
  plain,
  plan,
  planText,
  run,
  summary,
  verificationText,
  verify,
  type Plan,
} from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { type Pair, pairOf } from './objects-scene.ts';
import { useStore } from './store/use-store.ts';

// Of a bucket only what rows of the new database name.
useStore();

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

interface Settings {
  readonly objects: Readonly<Record<string, unknown>>;
  readonly database?: Readonly<Record<string, unknown>>;
}

interface Arranged extends Settings {
  readonly production: string;
  readonly staging?: string;
  readonly keys: readonly string[];
}

async function arrange({ production, staging, keys, ...settings }: Arranged): Promise<Pair> {
  const [pair] = await Promise.all([pairOf(), scene.arrange(production, staging)]);
  await Promise.all(keys.map((key) => pair.put(key, `content of ${key}`)));
  await configure(pair, settings);
  return pair;
}

/** Gives the pair's configuration both databases, and these settings. */
async function configure({ shell }: Pair, { objects, database }: Settings): Promise<void> {
  const config = JSON.parse(await readFile(shell.configFile, 'utf8')) as Record<'source' | 'target', object>;
  const whole = {
    ...config,
    source: { ...config.source, database: { url: scene.source.adminUrl('production') } },
    target: { ...config.target, database: { url: scene.target.adminUrl('staging') } },
    objects: { images: { only: 'referenced', ...objects } },
    ...(database ? { database } : {}),
  };
  await writeFile(shell.configFile, JSON.stringify(whole));
}

/** Both ends of a pair, for what is not a whole refresh. */
async function endsOf({ shell }: Pair, only?: 'objects') {
  const config = loadConfig(await readFile(shell.configFile, 'utf8'));
  const files = {
    credentials: shell.variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '',
    config: shell.variables['AWS_CONFIG_FILE'] ?? '',
  };
  return { config, ends: await connect(config, { profileFiles: files, only }) };
}

async function planOf(pair: Pair, only?: 'objects'): Promise<Plan> {
  const { config, ends } = await endsOf(pair, only);
  using _ends = ends;
  return await plan(config, ends, { only });
}

const images = (rows: readonly string[], column = 's3_key') =>
  `create table book_images (id int primary key generated always as identity, ${column} text);
   insert into book_images (${column}) values ${rows.map((key) => `(E'${key.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}')`).join(', ')};`;

test('only objects that rows name are copied and compared, whatever characters their keys have; what nobody names is left alone', async () => {
  const odd = ['a//b', 'é+ %41', '../x', ' lead', `q"uo'te`, '💡/🙂', 'back\\slash', 'new\nline', 'a', 'a/'];
  const pair = await arrange({
    production: `
      create domain key as varchar(200);
      create table parts (id int, at date, keys key[]) partition by range (at);
      create table parts_1 partition of parts for values from ('2026-01-01') to ('2027-01-01');
      insert into parts values (1, '2026-02-02', array['in an array', 'a', null, '']), (2, '2026-02-02', null);
      ${images([...odd, ...odd, '', 'nowhere', '/a leading slash'])}
      insert into book_images (s3_key) values (null);`,
    objects: { referencedBy: ['book_images.s3_key', 'public.parts.keys'] },
    keys: [...odd, 'in an array', 'unnamed', 'a leading slash', 'A'],
  });
  const { planned, report, failed } = await pair.refresh();
  expect([report.failure, failed]).toEqual([undefined, {}]);
  const wanted = [...odd, 'in an array'];
  expect(Object.keys(await pair.contents('target')).toSorted()).toEqual(wanted.toSorted());
  const [bucket] = planned.objects;
  expect(bucket?.totals).toMatchObject({ source: { objects: 11 }, missing: { objects: 11 }, extra: { objects: 0 } });
  expect(bucket?.referenced).toMatchObject({ keys: 13, absent: 2 });
  expect(bucket?.referenced?.estimate).toBeUndefined();
  expect(bucket?.referenced?.examples.toSorted()).toEqual(['/a leading slash', 'nowhere']);
  expect(stepsOf(report, 'copy-objects').map(factsOf)).toMatchObject([{ referenced: { keys: 13, absent: 2 } }]);
  expect(stepsOf(report, 'verify-objects').map(factsOf)).toMatchObject([{ same: { objects: 11 } }]);
  expect(planText(planned, plain)).toContain(
    'what rows name in book_images.s3_key, public.parts.keys: 13 keys; 2 of them are not in',
  );
  const named = "only what rows name: 13 keys; 2 of them are not in the source's bucket";
  expect(summary(report, plain)).toContain(named);
  const { config, ends } = await endsOf(pair);
  using _ends = ends;
  const verified = await verify(config, ends);
  expect(verified.differences).toEqual([]);
  expect(verificationText(verified, plain)).toContain(named);
  expect(verificationText(verified, plain)).toContain('11 of 11 equal');
});

test('the objects alone are copied by what the present database names, and that is said', async () => {
  const pair = await arrange({
    production: images(['new', 'old']),
    staging: images(['old', 'gone']),
    objects: { referencedBy: ['book_images.s3_key'] },
    keys: ['new', 'old'],
  });
  const { config, ends } = await endsOf(pair, 'objects');
  using _ends = ends;
  expect(ends.source.database).toBeUndefined();
  const planned = await plan(config, ends, { only: 'objects' });
  expect(planText(planned, plain)).toMatch(
    /what rows name in book_images\.s3_key: 2 keys; 1 of them is not in the source's bucket, e\.g\. "gone"/,
  );
  const { port } = new URL(scene.target.adminUrl('staging'));
  expect(planText(planned, plain)).toContain(`read from staging at 127.0.0.1:${port}`);
  const report = await run(planned, ends);
  expect(report.failure).toBeUndefined();
  expect(Object.keys(await pair.contents('target'))).toEqual(['old']);
  expect((await verify(config, ends, { only: 'objects' })).differences).toEqual([]);
});

test('rows that a where leaves out name nothing', async () => {
  const pair = await arrange({
    production: images(['1', '2', '3']),
    objects: { referencedBy: ['book_images.s3_key'] },
    database: { tables: { book_images: { where: "s3_key < '3'" } } },
    keys: ['1', '2', '3'],
  });
  const { report } = await pair.refresh();
  expect(report.failure).toBeUndefined();
  expect(Object.keys(await pair.contents('target'))).toEqual(['1', '2']);
});

test('with renames rows name the keys of the source, or, where they were rewritten, those of the target', async () => {
  const pair = await arrange({
    production: images(['books/1', 'catalog/2', '3']),
    objects: { referencedBy: ['book_images.s3_key'], renames: { 'books/': 'catalog/' } },
    keys: ['books/1', 'books/2', 'books/3', '3'],
  });
  const { report, planned } = await pair.refresh();
  expect(report.failure).toBeUndefined();
  expect(Object.keys(await pair.contents('target'))).toEqual(['3', 'catalog/1', 'catalog/2']);
  expect(planned.objects[0]?.referenced).toMatchObject({ keys: 3, absent: 0 });
});

test('the plan reads what rules copy and keep, and says where that can only be an upper limit; a copy waits for the rows that decide', async () => {
  const pair = await arrange({
    production: `${images(['1', '2', '3'])}
      create table own_images (s3_key text); create table none (s3_key text); create table others (id int);
      insert into own_images values ('theirs'); insert into none values ('none');`,
    staging: `create table own_images (s3_key text); insert into own_images values ('ours'), ('not ours');`,
    objects: { referencedBy: ['book_images.s3_key', 'own_images.s3_key', 'none.s3_key'] },
    database: {
      tables: {
        book_images: { where: "s3_key < '3' -- not the last" },
        own_images: { rows: 'keep' },
        none: 'empty',
      },
    },
    keys: ['1', '2', '3', 'theirs', 'none'],
  });
  const { objects, steps } = await planOf(pair);
  expect(objects[0]?.totals.missing.objects).toBe(2);
  expect(objects[0]?.referenced).toMatchObject({
    keys: 4,
    absent: 2,
    estimate: 'rows of both ends meet, and some may be left out',
  });
  expect(objects[0]?.referenced?.examples.toSorted()).toEqual(['not ours', 'ours']);
  const after = (id: string) => steps.find((step) => step.id === id)?.after.toSorted();
  expect(after('copy-objects images')).toEqual(['read-keys images', 'take-snapshot']);
  expect(after('add-keys')).toContain('read-keys images');
  expect(after('read-keys images')).toEqual([
    'copy-table book_images',
    'copy-table none',
    'copy-table own_images',
    'keep-rows own_images',
  ]);
});

test('columns that name no objects are refused, and so is a bucket of which no row names an object', async () => {
  const pair = await arrange({
    production: images(['images/1']),
    objects: { referencedBy: ['book_images.s3_key'] },
    keys: ['1'],
  });
  const { refusals, objects } = await planOf(pair);
  expect(refusals).toMatchObject([{ code: 'bucket-empty' }]);
  expect(refusals?.[0]?.message).toContain('lists no object that a row names in book_images.s3_key');
  expect(objects[0]?.referenced).toMatchObject({ keys: 1, absent: 1, examples: ['images/1'] });
  const rules = (rule: unknown) => ({ tables: { 'book_*': rule } });
  for (const [column, database, message] of [
    ['book_image.s3_key', {}, /has no table book_image; did you mean book_images\?/],
    [
      'book_images.s3key',
      {},
      /book_images in production at 127\.0\.0\.1:\d+ has no column s3key; did you mean s3_key\?/,
    ],
    ['book_images.id', {}, /the column is of type integer, which holds no keys/],
    ['book_images.s3_key', rules({ mask: { s3_key: 'null' } }), /is masked by database\.tables, and names no object/],
    ['book_images.s3_key', rules({ set: { s3_key: "'x'" } }), /is set by database\.tables, and names no object/],
    ['book_images.s3_key', rules('skip'), /is in no table that is copied/],
  ] as const) {
    await configure(pair, { objects: { referencedBy: [column] }, database });
    await expect(planOf(pair), column).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(message),
    });
  }
});
