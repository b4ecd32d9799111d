import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Failure, Plan } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { poolerMissing, startPooler } from './pooler-process.ts';
import { query } from './sql.ts';

if (poolerMissing) console.warn(`skipped, as ${poolerMissing}: the tests of a pooler in front of the source`);

describe.skipIf(poolerMissing !== undefined)('a connection pooler in front of the source', () => {
  let scene: CloneScene;

  beforeAll(async () => {
    scene = await startCloneScene();
    await scene.arrange('create table books as select id from generate_series(1, 1000) id; analyze books');
  });

  afterAll(() => scene[Symbol.asyncDispose]());

  test.each([
    ['', {}],
    [', also of one that goes round its sessions', { server_round_robin: '1', min_pool_size: '2' }],
  ])(
    'is refused in transaction mode%s, and nothing that restage sets stays behind in its sessions',
    async (_, more) => {
      await using pooler = await startPooler(scene, 'transaction', more);
      const ended = await scene.restage(await scene.configure({ source: pooler.url }), 'plan', '--json');
      const { error } = JSON.parse(ended.stdout) as { readonly error: Failure };
      expect([error.code, ended.code]).toEqual(['database-unfit', 3]);
      expect(error.message).toMatch(/pooler in transaction mode, such as PgBouncer, .* 127\.0\.0\.1:\d+/);
      expect(error.hint).toContain('of the PostgreSQL server itself');
      for (let round = 0; round < 4; round++)
        expect(
          await query(
            pooler.url,
            `select current_setting('search_path') as path, current_setting('default_transaction_read_only') as only`,
          ),
        ).toEqual([{ path: '"$user", public', only: 'off' }]);
    },
  );

  test('is told in the plan in session mode, and the rows come through it', async () => {
    await using pooler = await startPooler(scene, 'session', {});
    const config = await scene.configure({ source: pooler.url });
    const { stdout } = await scene.restage(config, 'plan', '--json');
    expect((JSON.parse(stdout) as Plan).notes).toEqual([
      expect.stringMatching(/^a connection pooler in session mode is between restage and production at/),
    ]);
    const { report } = await scene.sync(config);
    expect(report).toMatchObject({ outcome: 'done' });
    expect(await scene.onTarget('select count(*) as rows from books')).toEqual([{ rows: '1000' }]);
  });
});
