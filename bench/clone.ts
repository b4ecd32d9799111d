import { pgcopydb, pgDump, pgDumpAnalyze, present, restage, restageRows } from './contenders.ts';
import { costs, ratios } from './figures.ts';
import { fill } from './fill.ts';
import type { BenchOptions } from './main.ts';
import { race } from './rounds.ts';
import { runProfile } from './run-profile.ts';
import { describeGround, startGround } from './servers.ts';
import { describeDatabase } from './shape.ts';
import { shop } from './shop.ts';
import { statementCosts } from './statement-costs.ts';

/** A database of 1.3 GB, by restage and by the tools one would take instead. */
export async function benchClone({ rounds = 3, scale, folder, only, statements }: BenchOptions): Promise<void> {
  await using ground = await startGround(folder);
  const started = performance.now();
  await fill(ground.source, shop(scale));
  console.log(describeGround(ground));
  const described = await describeDatabase(ground.source.adminUrl('production'));
  console.log(`source: ${described}; made in ${Math.round((performance.now() - started) / 1000)} s\n`);

  const peers = present([pgDump, pgDumpAnalyze, pgcopydb], only);
  const ours = present([restageRows, restage], only);
  const found = await race(ground, [...peers, ...ours], rounds);
  console.log(`\n${costs(found)}\n\n${ratios(found, ours, peers)}`);
  for (const our of ours) {
    const last = found.get(our)?.at(-1);
    if (last) console.log(`\n${our.name}, its last round:\n${runProfile(last.stdout)}`);
  }
  if (statements) console.log(`\n${await statementCosts(ground, [...peers, ...ours])}`);
}
