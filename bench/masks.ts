import { readTables, type Table } from '../src/postgres/catalog.ts';
import { relayCopy } from '../src/postgres/copy-relay.ts';
import { maskSettings } from '../src/postgres/mask-key.ts';
import { quoteTable } from '../src/postgres/names.ts';
import { selectRows } from '../src/postgres/rules/table-rows.ts';
import { plainRule, type ColumnRule, type Mask } from '../src/postgres/rules/table-rule.ts';
import { openSession } from '../src/postgres/session.ts';
import { query } from '../test/sql.ts';
import { addressOf } from './address-of.ts';
import { median, spread, table as columnsOf } from './figures.ts';
import { fill, hash, oneOf } from './fill.ts';
import type { BenchOptions } from './main.ts';
import { serverCpuSeconds } from './server-cpu.ts';
import { describeGround, startGround, type Ground } from './servers.ts';

type Masks = Readonly<Record<string, Mask>>;

const mostMicroseconds = 2;

const ways: Readonly<Record<string, Masks>> = {
  unmasked: {},
  email: { email: 'email' },
  name: { name: 'name' },
  phone: { phone: 'phone' },
  'all three': { email: 'email', name: 'name', phone: 'phone' },
};

interface Cost {
  readonly wallSeconds: number;
  readonly sourceSeconds: number;
}

/** One table of four million people: what each masked value costs the source, beside the same copy without masks. */
export async function benchMasks({ rounds = 3, scale, folder }: BenchOptions): Promise<void> {
  await using ground = await startGround(folder);
  const rows = Math.max(1, Math.round(4_000_000 * scale));
  await fill(ground.source, [
    {
      name: 'people',
      rows,
      columns: [
        ['id', 'bigint', 'i'],
        ['email', 'text not null', `'person.' || i || '@mail.example'`],
        ['name', 'varchar(80)', `${oneOf(1, ['Ada', 'Grace', 'Edsger', 'Barbara'])} || ' ' || ${hash(2)} % 100000`],
        ['phone', 'varchar(32)', `'+49 170 ' || ${hash(3)} % 10000000`],
        ['since', 'timestamptz', `timestamptz '2021-01-01 00:00:00+00' + i * interval '1 s'`],
      ],
    },
  ]);
  await query(ground.target.adminUrl(), 'create database production');
  await query(
    ground.target.adminUrl('production'),
    'create table people (id bigint, email text not null, name varchar(80), phone varchar(32), since timestamptz)',
  );
  console.log(describeGround(ground));
  console.log(`${rows.toLocaleString('en')} rows, binary, one stream; the source's CPU\n`);

  const found = Object.keys(ways).map((): Cost[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, masks] of Object.values(ways).entries()) found[index]?.push(await copy(ground, masks, rows));
  const [plain = []] = found;
  const lines = Object.entries(ways).map(([name, masks], index) => {
    const costs = found[index] ?? [];
    const values = rows * Object.keys(masks).length;
    const each = costs.map((cost, round) => ((cost.sourceSeconds - (plain[round]?.sourceSeconds ?? 0)) / values) * 1e6);
    return {
      each: values === 0 ? 0 : median(each),
      cells: [
        name,
        spread(costs.map((cost) => cost.wallSeconds)),
        spread(costs.map((cost) => cost.sourceSeconds)),
        values === 0 ? '' : `${spread(each)} µs`,
      ],
    };
  });
  const head = ['median', 'wall s (all)', 'source CPU s (all)', 'a masked value'];
  console.log(columnsOf([head, ...lines.map(({ cells }) => cells)]));
  const worst = Math.max(...lines.map(({ each }) => each));
  console.log(
    `\nat most ${worst.toFixed(2)} µs a value, ${worst <= mostMicroseconds ? 'within' : 'NOT WITHIN'} ${mostMicroseconds} µs`,
  );
}

async function copy(ground: Ground, masks: Masks, rows: number): Promise<Cost> {
  const from = { ...addressOf(ground.source.adminUrl('production')), settings: maskSettings('the key of the bench') };
  const to = addressOf(ground.target.adminUrl('production'));
  await query(ground.target.adminUrl(), 'checkpoint');
  await using reader = await openSession(from, { access: 'read-only', label: 'bench' });
  await using writer = await openSession(to, { access: 'read-write', label: 'bench' });
  const people = (await readTables(reader)).find(({ table }) => table.name === 'people');
  if (!people) throw new Error('there is no table people');
  const before = await serverCpuSeconds(ground.source);
  const started = performance.now();
  const done = await relayCopy(reader, writer, {
    read: `copy ${rowsOf(people, masks)} to stdout (format binary)`,
    write: `begin; truncate only public.people; copy public.people from stdin (format binary, freeze); commit`,
  });
  const wallSeconds = (performance.now() - started) / 1000;
  if (done.rows !== rows) throw new Error(`${done.rows} of ${rows} rows were copied`);
  return { wallSeconds, sourceSeconds: (await serverCpuSeconds(ground.source)) - before };
}

/** What COPY reads: the table itself, or its rows as a run has them by a rule. */
function rowsOf(people: Table, masks: Masks): string {
  if (Object.keys(masks).length === 0) return quoteTable(people.table);
  const columns = Object.entries(masks).map(([name, mask]): [string, ColumnRule] => [name, { kind: 'mask', mask }]);
  return `(${selectRows(people, { ...plainRule, columns: Object.fromEntries(columns) })}\n)`;
}
