import { median } from './figures.ts';
import type { BenchOptions } from './main.ts';
import { presentObjects, rclone, restage, type ObjectContender } from './object-contenders.ts';
import { measureObjects, objectCosts, type ObjectRun } from './object-figures.ts';
import { describeObjectGround, startObjectGround } from './object-ground.ts';

const limitMiB = 150e6 / 2 ** 20;
const differEvery = 1000;

/** What each tool ends with where something differs. */
const differs = { verify: [4], check: [1] };

const ours = (codes: readonly number[]): readonly ObjectContender[] => [
  restage('restage verify', ['verify'], codes),
  restage('restage plan', ['plan']),
];
const peers = (codes: readonly number[]): readonly ObjectContender[] => [
  rclone('rclone check --size-only', ['check', '--size-only', '--fast-list', '--checkers', '32']),
  rclone('rclone check', ['check', '--fast-list', '--checkers', '32'], codes),
  rclone('rclone copy --checksum --dry-run', ['copy', '--checksum', '--fast-list', '--dry-run', '--checkers', '32']),
];

/** A million keys on each side, listed and compared: all the same, and one in a thousand different. */
export async function benchKeys({ rounds = 3, scale, folder, only }: BenchOptions): Promise<void> {
  await using ground = await startObjectGround(folder);
  const objects = Math.max(differEvery, Math.round(1_000_000 * scale));
  const make = (end: typeof ground.source, name: string, difference = {}) =>
    end.server.createBucket({ name, account: end.account.id, synthesized: { objects, ...difference } });
  await make(ground.source, 'source');
  await make(ground.target, 'same');
  await make(ground.target, 'different', { differEvery });
  console.log(describeObjectGround());
  console.log(`${objects.toLocaleString('en')} keys on each side\n`);

  for (const target of ['same', 'different']) {
    const same = target === 'same';
    const all = presentObjects([...peers(same ? [0] : differs.check), ...ours(same ? [0] : differs.verify)], only);
    const found = new Map<string, ObjectRun[]>(all.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++)
      for (let place = 0; place < all.length; place++) {
        const contender = all[(round + place) % all.length];
        if (!contender) continue;
        found.get(contender.name)?.push(await measureObjects(ground, contender, { source: 'source', target }));
      }
    console.log(`${same ? 'all the same' : `one in ${differEvery} different`}\n${objectCosts(found)}`);
    for (const { name } of ours([])) {
      const runs = found.get(name);
      if (!runs) continue;
      const peak = median(runs.map((run) => run.peakMiB));
      const [wall, cpu] = [
        median(runs.map((run) => run.wallSeconds)),
        median(runs.map((run) => run.clientCpuSeconds)),
      ].map((seconds) => ((seconds / objects) * 1e6).toFixed(2));
      console.log(
        `${name}: ${wall} µs a key, ${cpu} of them CPU; peak ${peak.toFixed(0)} MiB, ${peak < limitMiB ? 'under' : 'NOT UNDER'} 150 MB; ${runs.at(-1)?.operations}`,
      );
    }
    console.log('');
  }
}
