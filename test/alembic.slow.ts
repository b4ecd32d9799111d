import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findAlembic, head, old, startAlembicScene, type AlembicScene } from './alembic-scene.ts';

// The real Alembic on a small project; Debian's packages alembic and python3-psycopg2.
const alembic = findAlembic();
if (alembic === undefined) console.warn('Alembic is not installed: its tests are skipped');

const upgrade = { command: { run: ['alembic', 'upgrade', 'head'], cwd: 'backend', timeoutSeconds: 60 } };

describe.skipIf(alembic === undefined)('Alembic', () => {
  let scene: AlembicScene;
  let before: { readonly production: unknown; readonly staging: unknown };

  beforeAll(async () => {
    scene = await startAlembicScene(alembic ?? '');
  });
  beforeEach(async () => {
    await scene.arrange();
    before = { production: await scene.production(), staging: await scene.staging() };
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("brings production's revision to staging's head before the swap, with production's data", async () => {
    const { code, report, stderr } = await scene.sync(await scene.configure([upgrade]));
    expect([code, report.failure]).toEqual([0, undefined]);
    const step = report.steps.find(({ kind }) => kind === 'migrate-incoming');
    expect(step?.outcome).toMatchObject({
      status: 'done',
      facts: { revisionBefore: old, revisionAfter: head, exitCode: 0 },
    });
    expect(stderr).toContain(`Running upgrade 5b7d0f26c9a2 -> 81f3a95d7e44, A slug for every book, made of its title`);
    const { onTarget, onSource } = scene.clones;
    expect(await onTarget('select version_num from alembic_version')).toEqual([{ version_num: head }]);
    const digest = (status: string) =>
      `select md5(string_agg(concat_ws('|', id, author_id, title, ${status}, price), ',' order by id)) from books`;
    expect(await onTarget(digest('status'))).toEqual(await onSource(digest(`coalesce(status, 'wanted')`)));
    expect(await onTarget(`select count(*), count(distinct slug) as slugs from books`)).toEqual([
      { count: '1000', slugs: '1000' },
    ]);
    expect(await scene.production()).toEqual(before.production);
  });
});
