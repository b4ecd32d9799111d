import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { query } from '../test/sql.ts';
import type { Contender } from './contenders.ts';
import { table } from './figures.ts';
import { cpuOf, type Measured } from './measure.ts';
import { runOnce } from './rounds.ts';
import type { Ground } from './servers.ts';

/** What a statement is for; the first that fits. */
const purposes: readonly (readonly [purpose: string, pattern: RegExp])[] = [
  ['digest', /hash_record|hashtext/i],
  ['rows out', /\bcopy\s[^;]*\sto stdout/i],
  ['rows in', /\bcopy\s[^;]*\sfrom stdin/i],
  ['foreign keys', /foreign key|validate constraint/i],
  ['indexes', /create (unique )?index|add constraint|add primary key|using index/i],
  ['analyze', /^\s*(vacuum|analyze)/i],
  ['rows counted', /^\s*select[^;]*count\(\*\)/i],
  ['databases', /(create|drop|alter) database/i],
];
const other = 'schema and the rest';
const outside = 'outside of statements';

/**
 * One more run of each contender, in which both servers say what each statement cost them: the CPU seconds by purpose.
 * What parallel workers and background processes do is outside of statements.
 */
export async function statementCosts(ground: Ground, contenders: readonly Contender[]): Promise<string> {
  const columns: { readonly name: string; readonly costs: ReadonlyMap<string, number> }[] = [];
  await announce(ground, 'on');
  for (const contender of contenders) {
    const before = await readLogs(ground);
    const run = await runOnce(ground, contender);
    const logs = await readLogs(ground);
    const costs = {
      source: sum(logs.source.slice(before.source.length)),
      target: sum(logs.target.slice(before.target.length)),
    };
    columns.push({ name: contender.name, costs: together(costs, run) });
  }
  await announce(ground, 'off');
  const purposeNames = [...new Set(columns.flatMap(({ costs }) => [...costs.keys()]))];
  const order = ['source', 'target', 'client'].flatMap((end) => purposeNames.filter((name) => name.startsWith(end)));
  const rows = order.map((name) => [name, ...columns.map(({ costs }) => (costs.get(name) ?? 0).toFixed(2))]);
  return table([['CPU s', ...columns.map(({ name }) => name)], ...rows]);
}

async function announce({ source, target }: Ground, value: 'on' | 'off'): Promise<void> {
  for (const server of [source, target]) {
    await query(server.adminUrl(), `alter system set log_statement_stats = ${value}`);
    await query(server.adminUrl(), `select pg_reload_conf()`);
  }
}

async function readLogs({ folder }: Ground): Promise<{ readonly source: string; readonly target: string }> {
  const [source, target] = await Promise.all(
    ['source', 'target'].map((server) => readFile(join(folder, server, 'log'), 'utf8')),
  );
  return { source: source ?? '', target: target ?? '' };
}

function together(
  costs: { readonly source: ReadonlyMap<string, number>; readonly target: ReadonlyMap<string, number> },
  run: Measured,
): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const [end, total] of [
    ['source', run.sourceCpuSeconds],
    ['target', run.targetCpuSeconds],
  ] as const) {
    let inside = 0;
    for (const [purpose, seconds] of [...costs[end]].toSorted((a, b) => b[1] - a[1])) {
      all.set(`${end}: ${purpose}`, seconds);
      inside += seconds;
    }
    all.set(`${end}: ${outside}`, total - inside);
  }
  return all.set('client', run.clientCpuSeconds).set('client and servers', cpuOf(run));
}

/** CPU seconds by purpose, from `log_statement_stats`' lines: the costs in a DETAIL, the statement after it. */
function sum(log: string): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  const open = new Map<string, number>(); // by process: what its last statement cost
  for (const [, id, kind, text] of log.matchAll(/^#(\d+)# (\w+): {2}([^]*?)(?=\n#\d+# \w+: {2}|$(?![^]))/gm)) {
    if (id === undefined || text === undefined) continue;
    if (kind === 'DETAIL') {
      const [, user, system] = /([\d.]+) s user, ([\d.]+) s system/.exec(text) ?? [];
      if (user !== undefined) open.set(id, Number(user) + Number(system));
    } else if (kind === 'STATEMENT') {
      const purpose = purposes.find(([, pattern]) => pattern.test(text))?.[0] ?? other;
      costs.set(purpose, (costs.get(purpose) ?? 0) + (open.get(id) ?? 0));
      open.delete(id);
    }
  }
  return costs;
}
