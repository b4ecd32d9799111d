import { restage } from './contenders.ts';
import { costs, median } from './figures.ts';
import { fill, hash, oneOf } from './fill.ts';
import type { BenchOptions } from './main.ts';
import { race } from './rounds.ts';
import { runProfile } from './run-profile.ts';
import { describeGround, startGround } from './servers.ts';
import { describeDatabase } from './shape.ts';

const limitMiB = 200e6 / 2 ** 20;

/** One table of ten million rows: the memory that restage takes does not grow with them. */
export async function benchWide({ rounds = 1, scale, folder }: BenchOptions): Promise<void> {
  await using ground = await startGround(folder);
  await fill(ground.source, [
    {
      name: 'measurements',
      rows: Math.max(1, Math.round(10_000_000 * scale)),
      columns: [
        ['id', 'bigint', 'i'],
        ['sensor', 'varchar(40) not null', `'sensor ' || ${hash(1)} % 5000`],
        ['state', 'text', oneOf(2, ['good', 'doubtful', 'bad'])],
        ['value', 'double precision', `(${hash(3)} % 1000000) / 997.0`],
        ['at', 'timestamptz', `timestamptz '2021-01-01 00:00:00+00' + i * interval '1 s'`],
      ],
    },
  ]);
  console.log(describeGround(ground));
  console.log(`source: ${await describeDatabase(ground.source.adminUrl('production'))}\n`);
  const found = await race(ground, [restage], rounds);
  const runs = found.get(restage) ?? [];
  const peak = median(runs.map((run) => run.peakMiB));
  const [run] = runs;
  console.log(`\n${costs(found)}${run ? `\n\n${runProfile(run.stdout)}` : ''}`);
  console.log(`\npeak ${peak.toFixed(0)} MiB, ${peak < limitMiB ? 'under' : 'NOT UNDER'} 200 MB`);
}
