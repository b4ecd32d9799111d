import { expect, test } from 'vitest';
import type { Failure } from '../src/index.ts';
import { startCloneScene } from './clone-scene.ts';
import { poolerMissing, startPooler } from './pooler-process.ts';

if (poolerMissing) console.warn(`skipped, as ${poolerMissing}: the test of a pooler without a second session`);

test.skipIf(poolerMissing !== undefined)(
  'a pooler in front of the source that has no second session to give is refused',
  async () => {
    await using scene = await startCloneScene();
    await scene.arrange('create table books as select id from generate_series(1, 1000) id; analyze books');
    await using pooler = await startPooler(scene, 'session', { default_pool_size: '1' });
    const ended = await scene.restage(await scene.configure({ source: pooler.url }), 'plan', '--json');
    const { error } = JSON.parse(ended.stdout) as { readonly error: Failure };
    expect([error.code, ended.code]).toEqual(['database-unfit', 3]);
    expect(error.message).toMatch(/gave no second session within \d+ seconds/);
  },
);
