import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireRefusal } from './refusal.ts';
import { type Scene, startScene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** The environment's configuration with one text in the place of another. */
async function rewrite(from: string | RegExp, to: string): Promise<string> {
  const text = await readFile(scene.environment.configFile, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${String(from)} is not in the configuration`);
  const file = join(scene.folder, 'changed.yaml');
  await writeFile(file, changed);
  return file;
}

/** The line of a text in the environment's configuration. */
async function lineOf(text: string): Promise<number> {
  const lines = (await readFile(scene.environment.configFile, 'utf8')).split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

describe('the configuration', () => {
  test('a file that is not there is named', async () => {
    const says = ['there is no staging.yaml here'];
    await requireRefusal(scene, ['--config', 'staging.yaml'], { code: 'config-missing', says, hints: '--config' });
  });

  test('a folder in the place of the file is named', async () => {
    await requireRefusal(scene, ['--config', scene.folder], { code: 'config-missing', says: [scene.folder] });
  });

  test('bad YAML is shown by line and column', async () => {
    const file = await rewrite('mode: clone', 'mode: [clone');
    const line = await lineOf('mode: clone');
    const says = [new RegExp(`changed\\.yaml:(${line}|${line + 1}|${line + 2}):\\d+  `)];
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says });
  });

  test('an empty file says what is missing', async () => {
    const file = join(scene.folder, 'empty.yaml');
    await writeFile(file, '');
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says: [/empty\.yaml:1  .*expected/] });
  });

  test('an unknown key is shown by its line, with the near name', async () => {
    const file = await rewrite('keepPrevious: 1', 'keepPreviuos: 1');
    const says = [`:${await lineOf('keepPrevious')}  database.keepPreviuos: unknown key; did you mean keepPrevious?`];
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says });
  });

  test('several problems are told at once', async () => {
    const text = await readFile(scene.environment.configFile, 'utf8');
    const file = join(scene.folder, 'several.yaml');
    const broken = text
      .replace('version: 1', 'version: 2')
      .replace('"111111111111"', '111')
      .replace('path: /health/deep', 'paht: /x');
    await writeFile(file, broken);
    const says = [
      /has \d+ problems/,
      /version: .*1/,
      'source.aws.account: ',
      'verify.health.paht: unknown key; did you mean path',
    ];
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says });
  });

  test('a variable that is not set is named, with the place that wants it', async () => {
    const file = await rewrite('${STAGING_API_KEY}', '${STAGING_KEY_OF_API}');
    const line = await lineOf('STAGING_API_KEY');
    const says = [`changed.yaml:${line}  target.app.headers.X-API-Key: the variable STAGING_KEY_OF_API is not set`];
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says });
  });

  test('a bucket without a partner is named', async () => {
    const file = await rewrite('images: bluemoxon-images\n', 'pictures: bluemoxon-images\n');
    const says = ['source.buckets.pictures: has no partner in target.buckets', 'target.buckets.images'];
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says });
  });
});

describe('the command line', () => {
  test('a refresh that nobody confirms is refused', async () => {
    const says = ['the database bluemoxon_staging at 127.0.0.1', 'bluemoxon-images-staging'];
    await requireRefusal(scene, ['sync'], { code: 'not-confirmed', says, hints: '--yes' });
  });

  test('without --json a refusal leaves stdout to the answers', async () => {
    const { code, stdout, stderr } = await scene.restage('plan', '--config', 'none.yaml');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^✗ there is no none\.yaml here\n  Name another with --config FILE.*\n$/);
  });

  for (const [what, args, said] of [
    ['an unknown command', ['synch', '--json'], /unknown command 'synch'[\s\S]*Did you mean sync\?/],
    ['an unknown option', ['sync', '--jes', '--json'], /unknown option '--jes'[\s\S]*Did you mean --yes\?/],
    ['an unknown part', ['sync', '--only', 'tables', '--json'], /'tables' is invalid\. It is database or objects\./],
  ] as const) {
    test(`${what} is named with what is near, and exits 2`, async () => {
      const { code, stderr } = await scene.begin(...args).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(said);
      expect(stderr).not.toMatch(/\n\s+at /);
    });

    test(`${what} with --json is one JSON document`, async () => {
      const { stdout } = await scene.begin(...args).ended;
      expect(JSON.parse(stdout === '' ? 'null' : stdout)).toMatchObject({ error: { code: 'usage' } });
    });
  }
});
