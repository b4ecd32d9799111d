import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
    const elsewhere = join(scene.folder, 'none', 'staging.yaml');
    const { stderr } = await scene.restage('plan', '--config', elsewhere);
    expect(stderr).toContain(`there is no ${elsewhere}\n`);
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
    await requireRefusal(scene, ['--config', file], {
      code: 'config-invalid',
      says: [/empty\.yaml:1  the file is empty; it needs version/],
    });
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
    await requireRefusal(scene, ['--config', file], {
      code: 'config-invalid',
      says,
      hints: 'export STAGING_KEY_OF_API=',
    });
    const { stdout } = await scene.restage('plan', '--json', '--config', file);
    const problem = { line, path: 'target.app.headers.X-API-Key', message: expect.stringContaining('is not set') };
    expect(JSON.parse(stdout)).toMatchObject({ error: { problems: [problem] } });
  });

  test('a bucket without a partner is named', async () => {
    const file = await rewrite('images: bluemoxon-images\n', 'pictures: bluemoxon-images\n');
    const says = ['source.buckets.pictures: has no partner in target.buckets', 'target.buckets.images'];
    await requireRefusal(scene, ['--config', file], { code: 'config-invalid', says });
  });
});

describe('the command line', () => {
  test('a refresh that nobody confirms is refused', async () => {
    const says = [
      /replaces the database bluemoxon_staging at 127\.0\.0\.1:\d+ \(AWS account 222222222222\)/,
      /overwrites \d+ objects( for good)? and adds \d+ in bluemoxon-images-staging \(AWS account 222222222222, as of this plan\)/,
    ];
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

describe('check', () => {
  test('finds nothing wrong in the environment, and tries what the applications are asked for', async () => {
    const { code, stdout } = await scene.restage('check');
    expect(code).toBe(0);
    expect(stdout).toMatch(/target\.buckets\.images write .*was written and read back, and removed$/m);
    expect(stdout).toMatch(
      /verify\.health\.path +GET \/health\/deep +HTTP 200, status is "healthy"; 3 checks beside it$/m,
    );
    expect(stdout).toMatch(/verify\.totals\.0 at source +GET \/books\?limit=5 +HTTP 200, total is 153$/m);
    expect(stdout).toMatch(/verify\.totals\.0 at target .*HTTP 200, total is 121$/m);
    // The source could be written to by its role, and the function has a short time-out.
    expect(stdout).toMatch(/\nnothing is wrong: \d+ right, 2 to know\n$/);
  });

  test('an interrupt ends it at once', async () => {
    const slow = createServer(() => {}).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const { port } = slow.address() as AddressInfo; // it listens on a port
    const file = await scene.configure((config) =>
      config.setIn(['source', 'app', 'url'], `http://127.0.0.1:${port}/api/v1`),
    );
    const running = scene.begin('check', '--json', '--config', file);
    await once(slow, 'connection');
    const clock = performance.now();
    running.signal('SIGINT');
    const { code, stdout } = await running.ended;
    expect(performance.now() - clock).toBeLessThan(1000);
    slow.close();
    const error = { code: 'interrupted', message: 'interrupted; nothing was changed' };
    expect([code, JSON.parse(stdout)]).toEqual([130, { error }]);
  });
});

test('a report that cannot be kept is said after the summary, and is no success', async () => {
  const file = await scene.configure((config) => config.deleteIn(['verify', 'health']));
  const running = scene.begin('sync', '--yes', '--only', 'objects', '--config', file);
  await running.said('\nrun 2'); // its id

  const [folder = ''] = await readdir(join(scene.folder, '.restage', 'runs'));
  expect(await readdir(join(scene.folder, '.restage', 'runs', folder))).toContain('plan.json');
  await mkdir(join(scene.folder, '.restage', 'runs', folder, 'report.md'));
  const { code, stdout, stderr } = await running.ended;
  expect([code, stdout]).toEqual([1, expect.stringMatching(/✓ staging is refreshed from production/)]);
  expect(stderr).toMatch(/^✗ the report could not be kept: EISDIR/m);
});
