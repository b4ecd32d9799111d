import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, loadConfig, plan, planText, plain, type Report, verify } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { stagingOf } from './clone-faults.ts';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { type Pair, pairOf } from './objects-scene.ts';
import { faults } from './schema-faults.ts';
import { store, useStore } from './store/use-store.ts';

// Every key that rows of the new database name is that of an object in the target's bucket.
useStore();

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

type Part = Readonly<Record<string, unknown>>;

interface Settings {
  readonly references: readonly Part[];
  readonly objects?: Part;
  readonly database?: Part;
}

async function configure({ shell }: Pair, { references, objects = {}, database }: Settings): Promise<void> {
  const config = JSON.parse(await readFile(shell.configFile, 'utf8')) as Record<'source' | 'target', object>;
  const whole = {
    ...config,
    source: { ...config.source, database: { url: scene.source.adminUrl('production') } },
    target: { ...config.target, database: { url: scene.target.adminUrl('staging') } },
    objects: { images: objects },
    verify: { references: references.map((one) => ({ bucket: 'images', ...one })) },
    ...(database ? { database } : {}),
  };
  await writeFile(shell.configFile, JSON.stringify(whole));
}

async function arrange(production: string, keys: readonly string[], settings: Settings): Promise<Pair> {
  const [pair] = await Promise.all([pairOf(), scene.arrange(production, 'create table of_staging (id int)')]);
  await Promise.all(keys.map((key) => pair.put(key, `content of ${key}`)));
  await configure(pair, settings);
  await sleep(1100); // what was written within the second of the copy's listing is not the copy's to have
  return pair;
}

async function endsOf({ shell }: Pair, only?: 'database' | 'objects') {
  const config = loadConfig(await readFile(shell.configFile, 'utf8'));
  const files = {
    credentials: shell.variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '',
    config: shell.variables['AWS_CONFIG_FILE'] ?? '',
  };
  return { config, ends: await connect(config, { profileFiles: files, only }) };
}

function checked(report: Report) {
  const [step] = stepsOf(report, 'verify-references');
  return step && factsOf(step);
}

const images = (keys: readonly string[]) => `
  create table book_images (id int primary key generated always as identity, s3_key text, small text);
  insert into book_images (s3_key) values ${keys.map((key) => `('${key.replaceAll("'", "''")}')`).join(', ')}, (null), ('');`;

test('keys that both buckets have are right; what neither has is told, and what no row names too', async () => {
  const pair = await arrange(
    images(['a', 'a', `b'"|`, 'gone', 'gone too', 'é 💡']),
    ['a', `b'"|`, 'é 💡', 'nobody', 'x/1'],
    {
      references: [{ column: 'book_images.s3_key' }],
      objects: { exclude: ['x/**'] },
    },
  );
  await store.target.client.send(new PutObjectCommand({ Bucket: pair.to, Key: 'x/of staging', Body: 'x' }));
  const { report, planned } = await pair.refresh();
  expect(report.failure).toBeUndefined();
  expect(checked(report)).toEqual({
    bucket: 'images',
    columns: ['book_images.s3_key'],
    named: 5,
    missing: { keys: 0, examples: [] },
    absent: { keys: 2, examples: ['gone', 'gone too'] },
    unnamed: { keys: 2, examples: ['nobody', 'of staging alone'] },
  });
  const after = (id: string) => planned.steps.find((step) => step.id === id)?.after.toSorted();
  expect(after('verify-references images')).toEqual(['verify-integrity', 'verify-objects images']);
  expect(after('set-privileges')).toEqual(['verify-integrity', 'verify-references images']);
  expect(after('swap')).toEqual(['set-privileges', 'verify-objects images', 'verify-references images']);
});

test('a key that the source has and the target has not stops the run before the swap', async () => {
  const pair = await arrange(images(['a', 'left/out', 'gone']), ['a', 'left/out', 'left/unnamed'], {
    references: [{ column: 'book_images.s3_key' }],
    objects: { exclude: ['left/**'] },
  });
  const before = await stagingOf(scene);
  const { report } = await pair.refresh();
  expect(report.failure).toMatchObject({ code: 'data-differs', step: 'verify-references images' });
  expect(report.failure?.message).toBe(
    `images: of 3 keys that rows name in book_images.s3_key 1 missing in the target's bucket, though the source's has them, e.g. "left/out"`,
  );
  expect(report.failure?.hint).toContain('objects.images leaves such keys out');
  expect(faults('report', JSON.parse(JSON.stringify(report)))).toEqual([]);
  expect(checked(report)).toMatchObject({ missing: { keys: 1, examples: ['left/out'] }, absent: { keys: 1 } });
  expect(await stagingOf(scene)).toEqual(before);
});

test('what neither bucket has stops the run only for a column that says so', async () => {
  const production = `${images(['a', 'gone'])} create table files (name varchar(20)[]); insert into files values ('{lost,a}'), ('{b}');`;
  const columns = [{ column: 'book_images.s3_key' }, { column: 'public.files.name', absent: 'fail' }];
  const pair = await arrange(production, ['a', 'b'], { references: columns });
  const { report } = await pair.refresh();
  expect(report.failure).toMatchObject({ code: 'data-differs', step: 'verify-references images' });
  expect(report.failure?.message).toContain(
    '1 in neither bucket, though verify.references says that they must be, e.g. "lost"',
  );
  expect(checked(report)).toMatchObject({
    named: 4,
    absent: { keys: 2, examples: ['gone', 'lost'] },
    mustExist: { keys: 1, examples: ['lost'] },
  });
  expect(faults('report', JSON.parse(JSON.stringify(report)))).toEqual([]);
  await scene.onSource(`update files set name = '{a}' where 'lost' = any (name)`);
  const again = await pair.refresh();
  expect(again.report.failure).toBeUndefined();
});

test('rows name keys of the target: what renames moved is there only where the rows were rewritten', async () => {
  const settings = { references: [{ column: 'book_images.s3_key' }], objects: { renames: { 'books/': 'catalog/' } } };
  const pair = await arrange(images(['books/1', 'books/2', '3']), ['books/1', 'books/2', '3'], settings);
  const { report } = await pair.refresh();
  expect(report.failure?.message).toContain('e.g. "books/1", "books/2"');
  expect(report.failure?.hint).toContain('objects.images.renames moves what begins with books/');
  const rewrite = { from: 'books/', to: 'catalog/' };
  await configure(pair, { ...settings, database: { tables: { book_images: { rewrite: [rewrite] } } } });
  const again = await pair.refresh();
  expect(again.report.failure).toBeUndefined();
  expect(checked(again.report)).toMatchObject({
    named: 3,
    missing: { keys: 0 },
    absent: { keys: 0 },
    unnamed: { keys: 1 },
  });
});

test('restage verify looks at the present database, and tells each difference', async () => {
  const references = [{ column: 'book_images.s3_key' }];
  const pair = await arrange(images(['a', 'b']), ['a', 'b', 'c'], { references });
  expect((await pair.refresh()).report.failure).toBeUndefined();
  const look = async (only?: 'database') => {
    const { config, ends } = await endsOf(pair);
    using _ends = ends;
    return await verify(config, ends, { only });
  };
  expect(await look()).toMatchObject({ differences: [], references: [{ named: 2, unnamed: { keys: 2 } }] });
  const notes = ['verify.references was not looked at: --only database compares one part alone'];
  expect(await look('database')).toMatchObject({ differences: [], notes });
  await store.target.client.send(new DeleteObjectCommand({ Bucket: pair.to, Key: 'b' }));
  await store.source.client.send(new DeleteObjectCommand({ Bucket: pair.from, Key: 'c' }));
  const { differences, references: told } = await look();
  expect(told).toMatchObject([{ missing: { keys: 1, examples: ['b'] }, absent: { keys: 0 } }]);
  expect(differences).toContain(
    `images: of 2 keys that rows name in book_images.s3_key 1 missing in the target's bucket, though the source's has them, e.g. "b"`,
  );
});

test('what comes to the source while a run goes on is not its to have', async () => {
  const references = [{ column: 'book_images.s3_key', absent: 'fail' }];
  const pair = await arrange(images(['a', 'late']), ['a'], { references });
  let put: Promise<unknown> | undefined;
  const { report } = await pair.refresh(undefined, () => {
    put ??= store.source.client.send(new PutObjectCommand({ Bucket: pair.from, Key: 'late', Body: 'x' }));
  });
  await put;
  expect(report.failure).toBeUndefined();
  expect(checked(report)).toMatchObject({ named: 2, missing: { keys: 0 }, absent: { keys: 0 } });
  expect(Object.keys(await pair.contents('target'))).toEqual(['a']);
});

test('a column that cannot be meant is refused by the plan; a run of one part alone says that it does not look', async () => {
  const pair = await arrange(images(['a']), ['a'], { references: [{ column: 'book_images.s3key' }] });
  const planOf = async (only?: 'database' | 'objects') => {
    const { config, ends } = await endsOf(pair, only);
    using _ends = ends;
    return await plan(config, ends, { only });
  };
  for (const [column, tables, message] of [
    ['book_image.s3_key', {}, /has no table book_image; did you mean book_images\?/],
    ['book_images.s3key', {}, /has no column s3key; did you mean s3_key\?/],
    ['book_images.id', {}, /is of type integer, which holds no keys/],
    ['book_images.s3_key', { book_images: { mask: { s3_key: 'null' } } }, /is masked by database\.tables/],
    ['book_images.s3_key', { book_images: 'skip' }, /is in no table that is copied/],
  ] as const) {
    await configure(pair, { references: [{ column }], database: { tables } });
    const { refusals } = await planOf();
    expect(refusals, column).toMatchObject([{ code: 'config-invalid', message: expect.stringMatching(message) }]);
  }
  await configure(pair, { references: [{ column: 'book_images.s3_key' }] });
  const whole = await planOf();
  expect(planText(whole, plain)).toContain('the keys in book_images.s3_key exist in images');
  for (const only of ['database', 'objects'] as const) {
    const { notes, steps } = await planOf(only);
    expect(notes).toContainEqual(expect.stringMatching(/^verify\.references: a run of .* alone does not look/));
    expect(steps.map(({ kind }) => kind)).not.toContain('verify-references');
  }
});
