import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { query } from '../test/sql.ts';
import { pgcopydb, pgDump, present, restage } from './contenders.ts';
import { costs, ratios } from './figures.ts';
import type { BenchOptions } from './main.ts';
import { isInstalled, measure } from './measure.ts';
import { race } from './rounds.ts';
import { runProfile } from './run-profile.ts';
import { describeGround, startGround } from './servers.ts';
import { describeDatabase } from './shape.ts';

const pagila = fileURLToPath(new URL('../../shared/data/pagila.sql', import.meta.url));

/** Pagila, where starting and asking is all there is: whole processes. */
export async function benchSmall({ rounds = 5, folder, only }: BenchOptions): Promise<void> {
  if (!existsSync(pagila)) return console.log(`left out: no Pagila at ${pagila}`);
  if (!isInstalled('psql'))
    return console.log('left out: no psql here to load Pagila: apt-get install postgresql-client');
  await using ground = await startGround(folder);
  await query(ground.source.adminUrl(), `create database production`);
  const args = ['-qX', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', pagila, ground.source.adminUrl('production')];
  await measure(ground, { program: 'psql', args });
  await query(ground.source.adminUrl('production'), `vacuum (analyze)`);
  console.log(describeGround(ground));
  console.log(`source: Pagila, ${await describeDatabase(ground.source.adminUrl('production'))}\n`);

  const peers = present([pgDump, pgcopydb], only);
  const ours = present([restage], only);
  const found = await race(ground, [...peers, ...ours], rounds);
  console.log(`\n${costs(found)}\n\n${ratios(found, ours, peers)}`);
  const last = found.get(restage)?.at(-1);
  if (last) console.log(`\n${restage.name}, its last round:\n${runProfile(last.stdout)}`);
}
