import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasPython, openScreen, type Screen } from './pseudo-terminal.ts';
import { requireNoSecret, type Scene, startScene } from './scene.ts';

describe.skipIf(!hasPython)('restage init asks', () => {
  let scene: Scene;
  let folder: string;

  beforeAll(async () => {
    scene = await startScene();
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  beforeEach(async () => {
    await scene.environment.aws.clearFaults();
    folder = await mkdtemp(join(tmpdir(), 'restage-init-'));
    return () => rm(folder, { recursive: true });
  });

  const [enter, down, ctrlC] = ['\r', '\u001b[B', '\u0003'] as const;

  function init(...args: readonly string[]): Screen {
    const { endpoint } = scene.environment.aws;
    const place = ['--source-endpoint', endpoint, '--target-endpoint', endpoint];
    return openScreen(['init', ...place, ...args], { folder, variables: scene.environment.variables });
  }

  /** Waits for each question and types its answer. */
  async function answer(screen: Screen, ...answers: readonly (readonly [question: string, typed: string])[]) {
    for (const [question, typed] of answers) {
      await screen.shows(question);
      await new Promise((resolve) => setTimeout(resolve, 50)); // shown before it listens
      screen.type(typed);
    }
  }

  const written = () => readFile(join(folder, 'restage.yaml'), 'utf8');
  const files = async () => (await readdir(folder)).filter((name) => !name.startsWith('.'));

  /** Both ends as they are proposed. */
  const proposed = [
    ["production's? It is only read.", enter],
    ["staging's? What it has is replaced", enter],
    ['Which database of production', enter],
    ['Which database of staging', enter],
    ['Which buckets are copied?', enter],
  ] as const;

  test('and what it proposes is right for the reference user', async () => {
    const { source, target } = scene.environment;
    const screen = init();
    await answer(
      screen,
      ...proposed,
      ['Does one of these functions', down + enter],
      ["production's application?", source.app.url + enter],
      ["staging's application?", target.app.url + enter],
      ['Write restage.yaml?', enter],
    );
    const { code, text, raw } = await screen.ended;
    requireNoSecret(scene.secrets, raw, 'restage init');
    expect(text).toContain('production: account 111111111111, arn:aws:iam::111111111111:user/bmx-prod');
    expect(text).toContain('staging: account 222222222222, arn:aws:iam::222222222222:user/bmx-staging');
    expect(text).toContain('bucket bluemoxon-images → bluemoxon-images-staging');
    expect(code, text).toBe(0);
    expect(parse(await written())).toMatchObject({
      source: {
        aws: { profile: 'bmx-prod', account: '111111111111' },
        database: { secret: 'bluemoxon/db-credentials' },
        buckets: { images: 'bluemoxon-images' },
        app: { environment: 'production' },
      },
      target: {
        aws: { profile: 'bmx-staging', account: '222222222222' },
        database: { secret: 'bluemoxon-staging/database' },
        buckets: { images: 'bluemoxon-images-staging' },
        app: { environment: 'staging' },
        lambda: { function: 'bluemoxon-staging-db-sync' },
      },
    });
  });

  test('by hand for what may not be listed', async () => {
    const denied = { kind: 'error', status: 403, code: 'AccessDenied', message: 'not authorized' } as const;
    for (const operation of ['ListBuckets', 'ListSecrets'])
      await scene.environment.aws.inject({ match: { operation }, ...denied });
    const screen = init();
    await answer(
      screen,
      ...proposed.slice(0, 2),
      ['Which database of production', enter],
      ['The database of production', `bluemoxon/db-credentials${enter}`],
      ['Which database of staging', enter],
      ['The database of staging', `bluemoxon-staging/database${enter}`],
      ['A bucket of production to copy', `bluemoxon-images${enter}`],
      ['Which bucket of staging takes what is in bluemoxon-images?', `bluemoxon-images-staging${enter}`],
    );
    await answer(
      screen,
      ['Another bucket of production', enter],
      ['Does one of these functions', enter],
      ["production's application?", enter],
      ["staging's application?", enter],
      ['Write restage.yaml?', enter],
    );
    const { code, text } = await screen.ended;
    expect(text).toMatch(/Its buckets cannot be listed: not authorized .*s3:ListAllMyBuckets/);
    expect(text).toMatch(/Its secrets cannot be listed: .*secretsmanager:ListSecrets/);
    expect(code, text).toBe(0);
    expect(parse(await written())).toMatchObject({
      source: { database: { secret: 'bluemoxon/db-credentials' }, buckets: { images: 'bluemoxon-images' } },
      target: { database: { secret: 'bluemoxon-staging/database' }, buckets: { images: 'bluemoxon-images-staging' } },
    });
  });

  test('again where an account cannot be opened', async () => {
    const match = { operation: 'GetCallerIdentity' };
    await scene.environment.aws.inject({ match, kind: 'error', status: 403, code: 'ExpiredToken', message: 'expired' });
    const screen = init();
    await answer(screen, ["production's? It is only read.", enter]);
    await screen.shows("production's? It is only read.", 3);
    await scene.environment.aws.clearFaults();
    screen.type(ctrlC);
    const { code, text } = await screen.ended;
    expect(text).toMatch(/the profile bmx-prod .*expired/);
    expect(code).toBe(130);
  });

  test.each([
    ['Ctrl-C', (screen: Screen) => screen.type(ctrlC), /interrupted; nothing was written/],
    ['a closed terminal', (screen: Screen) => screen.close(), /./],
  ])('and %s in a question leaves nothing behind', async (_what, act, said) => {
    const screen = init();
    await answer(screen, ...proposed.slice(0, 2));
    await screen.shows('Which database of production');
    act(screen);
    const { code, text } = await screen.ended;
    expect(text).toMatch(said);
    expect(code).toBe(130);
    expect(await files()).toEqual([]);
  });

  test('before it replaces a file, and before it writes one', async () => {
    await writeFile(join(folder, 'restage.yaml'), 'ours: 1\n');
    const kept = init();
    await answer(kept, ['restage.yaml is there already. Replace it?', enter]);
    expect(await kept.ended).toMatchObject({ code: 2 });
    const { source, target } = scene.environment;
    const unwanted = init('--source-app', source.app.url, '--target-app', target.app.url, '--function', 'f');
    await answer(unwanted, ['Replace it?', 'y'], ...proposed, ['Write restage.yaml?', 'n']);
    const { code, text } = await unwanted.ended;
    expect([code, text]).toEqual([3, expect.stringContaining('restage.yaml was not written')]);
    expect(await written()).toBe('ours: 1\n');
    expect(await files()).toEqual(['restage.yaml']);
  });

  test('nothing where the options say enough', async () => {
    const { source, target } = scene.environment;
    const screen = init('--source-database', source.databaseUrl, '--target-database', target.databaseUrl);
    const { code, text } = await screen.ended;
    expect(text).not.toContain('?');
    expect([code, await files()]).toEqual([0, ['restage.yaml']]);
  });
});
