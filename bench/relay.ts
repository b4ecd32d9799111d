import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { query } from '../test/sql.ts';
import { median, spread, table } from './figures.ts';
import type { BenchOptions } from './main.ts';
import type { RelayCost } from './relay-client.ts';
import { describeGround, startGround, type Ground } from './servers.ts';

const client = fileURLToPath(new URL('relay-client.ts', import.meta.url));
const ways = ['restage', 'pg-copy-streams'] as const;

/** Rows of two integers and a short text, where what a client does for each row counts most. */
export async function benchRelay({ rounds = 5, scale, folder }: BenchOptions): Promise<void> {
  await using ground = await startGround(folder);
  const rows = Math.max(1, Math.round(4_000_000 * scale));
  for (const server of [ground.source, ground.target])
    await query(server.adminUrl(), `create table narrow (a integer, b integer, c text)`);
  await query(
    ground.source.adminUrl(),
    `insert into narrow select i, i % 1000, 'row ' || i % 100 from generate_series(1, ${rows}) i`,
  );
  await query(ground.source.adminUrl(), `vacuum (analyze) narrow`);
  console.log(describeGround(ground));
  console.log(`${rows.toLocaleString('en')} rows of two integers and a short text, binary; the client's CPU\n`);

  const found = { restage: [] as RelayCost[], 'pg-copy-streams': [] as RelayCost[] };
  for (let round = 0; round < rounds; round++)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const cost = await copy(ground, way);
      if (cost.rows !== rows) throw new Error(`${way} copied ${cost.rows} of ${rows} rows`);
      found[way].push(cost);
    }
  const lines = ways.map((way) => [
    way,
    spread(found[way].map((cost) => cost.cpuSeconds)),
    spread(found[way].map((cost) => cost.wallSeconds)),
    `${((median(found[way].map((cost) => cost.cpuSeconds)) / rows) * 1e9).toFixed(0)} ns`,
  ]);
  const ratio = (figure: 'cpuSeconds' | 'wallSeconds') =>
    spread(
      found.restage.map((cost, round) => cost[figure] / (found['pg-copy-streams'][round]?.[figure] ?? Number.NaN)),
    );
  console.log(
    table([
      ['median', 'client CPU s (all)', 'wall s (all)', 'CPU a row'],
      ...lines,
      ['restage : pg-copy-streams', ratio('cpuSeconds'), ratio('wallSeconds'), ''],
    ]),
  );
}

async function copy({ source, target }: Ground, way: (typeof ways)[number]): Promise<RelayCost> {
  await query(target.adminUrl(), `checkpoint`);
  const { stdout } = await promisify(execFile)(process.execPath, [client, way, source.adminUrl(), target.adminUrl()]);
  return JSON.parse(stdout) as RelayCost; // the client's only line
}
