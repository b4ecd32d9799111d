import type { Config } from './config.ts';
import type { PlannedDatabase } from './plan-database.ts';
import { partsOf } from './plan-parts.ts';
import { columnsPrint, type Table } from './postgres/catalog.ts';
import { displayTable, isCalled, quoteTable } from './postgres/names.ts';
import type { TableRule } from './postgres/rules/table-rule.ts';
import type { LeastRows } from './shrink.ts';
import type { Act } from './step.ts';

/** The databases as planned, with the statements of `afterLoad`. */
export type DatabaseToPlan = PlannedDatabase & {
  readonly afterLoad: readonly { readonly name: string; readonly sql: string }[];
};

/** Puts a step into the plan, behind those that it waits for; its id. */
export type AddStep = (id: string, after: readonly string[], act: Act) => string;

/**
 * The steps that build the new database: the source's rows as their rules have them, then staging's own, then what must hold
 * over all of them. `readKeys` puts steps in that read rows of the new database, once all are there. Returns the step that begins it, and the last that changes a row.
 */
export function planDatabaseSteps(
  add: AddStep,
  config: Config,
  database: DatabaseToPlan,
  readKeys: () => readonly string[],
): { readonly snapshot: string; readonly built: string } {
  const { rules } = database;
  const snapshot = add('take-snapshot', [], { kind: 'take-snapshot', database: database.source.origin.database });
  const created = add('create-database', [], { kind: 'create-database', database: database.target.origin.database });
  const schema = add('copy-schema', [snapshot, created], {
    kind: 'copy-schema',
    tables: database.tables.length,
    columnsPrint: columnsPrint(database.tables),
    skip: rules.skip,
    largeObjects: database.largeObjects,
    publications: config.database.publications,
    skipExtensions: config.database.skipExtensions,
    roles: config.database.grants,
  });
  const selected = rules.subset ? [add('select-subset', [schema], { kind: 'select-subset', ...rules.subset })] : [];
  const copied = addCopies(add, config, database, [schema, ...selected]);
  const whole = addOwn(add, database, [schema, ...copied]);
  // Before policies and owners come, which could close a table to whoever reads it.
  const keys = add('add-keys', [...whole, ...readKeys()], { kind: 'add-keys' });
  const sequences = add('set-sequences', whole, { kind: 'set-sequences', sequences: database.sequences });
  let changed = [keys];
  for (const { name, sql } of database.afterLoad)
    changed = [add(`after-load ${name}`, [...changed, sequences], { kind: 'after-load', name, sql })];
  const filled = add('fill-views', changed, { kind: 'fill-views' });
  const analyzed = add('analyze', [filled], { kind: 'analyze' });
  const compared = add('verify-tables', [filled, sequences, analyzed], {
    kind: 'verify-tables',
    tables: database.tables.length,
    verify: config.verify.tables,
  });
  let migrated = compared;
  const commands = config.migrate.steps.flatMap(({ command }) => command ?? []);
  const requests = config.migrate.steps.some(({ http }) => http);
  for (const [index, { run: command, cwd = '', env, timeoutSeconds }] of commands.entries())
    migrated = add(commands.length === 1 ? 'migrate-incoming' : `migrate-incoming ${index + 1}`, [migrated], {
      kind: 'migrate-incoming',
      command,
      cwd,
      env,
      timeoutSeconds,
      ...goalOf(database, index < commands.length - 1 || requests),
    });
  const built = add('verify-integrity', [migrated], { kind: 'verify-integrity' });
  return { snapshot, built };
}

/** What belongs to another role may be closed to this one: after everything that reads or changes the new database. */
export function addPrivileges(add: AddStep, { database }: Config, after: readonly string[]): string {
  const { owner, grants } = database;
  return add('set-privileges', after, {
    kind: 'set-privileges',
    ...(owner === undefined ? {} : { owner }),
    grants,
  });
}

/**
 * Where the target's code ends, for the last step that migrates. What its files say must be reached, but where the source is
 * beyond them and that was let through.
 */
export function goalOf(
  { migrations }: Pick<PlannedDatabase, 'migrations'>,
  isFollowed: boolean,
): { readonly goal: readonly string[]; readonly goalFrom?: 'files' } {
  if (isFollowed) return { goal: [] };
  const sure = migrations.filter(
    ({ goalFrom, relation }) => goalFrom === 'files' && relation !== 'source-ahead' && relation !== 'diverged',
  );
  const goal = (sure.length > 0 ? sure : migrations).flatMap((one) => one.goal);
  return sure.length > 0 ? { goal, goalFrom: 'files' } : { goal };
}

/** The source's rows. */
function addCopies(
  add: AddStep,
  config: Config,
  database: DatabaseToPlan,
  after: readonly string[],
): readonly string[] {
  const { jobs, mayBeEmpty } = config.database;
  const { byTable, selected } = database.rules;
  // What takes longest starts first.
  const longest = database.tables.toSorted((a, b) => b.sizeBytes + b.indexBytes - (a.sizeBytes + a.indexBytes));
  const copied = longest.map((table) => {
    const rule = byTable.get(quoteTable(table.table));
    const some = selected.get(quoteTable(table.table));
    return add(`copy-table ${displayTable(table.table)}`, after, {
      kind: 'copy-table',
      table: table.table,
      ...amountOf(table, rule, some),
      ...partsOf(table, longest, jobs, rule),
      verify: config.verify.tables,
      // What a rule leaves out says nothing of what the source has.
      mayBeEmpty: some !== undefined || mayBeEmpty.some((called) => isCalled(table.table, called)),
      ...(rule ? { rule } : {}),
      ...leastOf(database, table),
    });
  });
  if (database.largeObjects > 0)
    copied.push(add('copy-large-objects', after, { kind: 'copy-large-objects', objects: database.largeObjects }));
  return copied;
}

function amountOf({ rows, rowsAreEstimated, sizeBytes }: Table, rule: TableRule | undefined, some: number | undefined) {
  if (rule?.rows === 'empty' || rule?.rows === 'keep') return { rows: 0, rowsAreEstimated: false, bytes: 0 };
  if (some === undefined) return { rows, rowsAreEstimated, bytes: sizeBytes };
  return {
    rows: some,
    rowsAreEstimated,
    bytes: rows === 0 ? 0 : Math.round((sizeBytes * Math.min(some, rows)) / rows),
  };
}

/** The scan of what has come, then staging's own rows and values; all that must be there before a key can be proven. */
function addOwn(add: AddStep, { tables, rules, own }: DatabaseToPlan, after: readonly string[]): readonly string[] {
  const { columns, except } = rules.scanned;
  const scanned = columns.length > 0 ? [add('scan-leaks', after, { kind: 'scan-leaks', columns, except })] : [];
  const ruled = tables.flatMap(({ table }) => {
    const rule = rules.byTable.get(quoteTable(table));
    return rule ? [{ table, rule, present: own.get(quoteTable(table)) }] : [];
  });
  const before = [...after, ...scanned];
  const kept = ruled
    .filter(({ rule }) => rule.rows === 'keep' || rule.rows === 'merge')
    // A table that staging has not got has nothing to keep; of a plan that is refused nobody has looked.
    .filter(({ present }) => present !== undefined || rules.refusals.length > 0)
    .map(({ table, rule, present }) =>
      add(`keep-rows ${displayTable(table)}`, before, {
        kind: 'keep-rows',
        table,
        ...(present ? { rows: present.rows } : {}),
        rule,
        casts: present?.casts ?? [],
      }),
    );
  const carried = ruled
    .filter(({ rule }) => rule.carry)
    .map(({ table, rule, present }) =>
      add(`carry-values ${displayTable(table)}`, [...before, ...kept], {
        kind: 'carry-values',
        table,
        rule,
        casts: present?.casts ?? [],
      }),
    );
  const loose = looseTables({ tables, rules });
  const settled = tables
    .filter(({ table, parents }) => [table, ...parents].some((one) => loose.has(quoteTable(one))))
    .map(({ table }) => ({ table, onOrphan: rules.byTable.get(quoteTable(table))?.onOrphan ?? ('fail' as const) }));
  const whole = [...before, ...kept, ...carried];
  return settled.length === 0
    ? whole
    : [...whole, add('settle-orphans', whole, { kind: 'settle-orphans', tables: settled })];
}

/** Tables, by quoted name, whose rows may lack parents in the end: their own rule, or that of a parent, has other rows than the source. */
function looseTables({ tables, rules }: Pick<DatabaseToPlan, 'tables' | 'rules'>): ReadonlySet<string> {
  // A partition's rule holds for a part of its whole table, whose keys they are.
  const partsByName = Map.groupBy(
    tables.flatMap((part) =>
      [part.table, ...part.parents].map((name) => ({ name: quoteTable(name), part: quoteTable(part.table) })),
    ),
    ({ name }) => name,
  );
  const parts = (name: string) => (partsByName.get(name) ?? []).map(({ part }) => part);
  const inSubset = new Set(rules.subset?.tables.map(({ table }) => quoteTable(table)));
  // A subset brings the parents of its rows, of the source's at least.
  const isClosed = (name: string) =>
    parts(name).every((part) => inSubset.has(part) && rules.byTable.get(part)?.rows !== 'merge');
  const drops = (name: string) => parts(name).some((part) => (rules.byTable.get(part)?.onOrphan ?? 'fail') !== 'fail');
  const limited = new Set([...partsByName.keys()].filter((name) => parts(name).some((part) => isLimited(rules, part))));
  const dropped = new Set<string>();
  const loose = new Set<string>();
  const keys = rules.foreignKeys.map(({ table, parent }) => ({ child: quoteTable(table), parent: quoteTable(parent) }));
  // What is dropped for want of a parent leaves its own children without one.
  for (let known = -1; known < loose.size;) {
    known = loose.size;
    for (const { child, parent } of keys) {
      const isTouched = limited.has(child) || limited.has(parent) || dropped.has(parent);
      if (!isTouched || (isClosed(child) && isClosed(parent) && !dropped.has(parent))) continue;
      loose.add(child);
      if (drops(child)) dropped.add(child);
    }
  }
  return loose;
}

/** Whether a table has other rows than the source's, or not all of them. */
function isLimited({ byTable, selected }: DatabaseToPlan['rules'], table: string): boolean {
  const rule = byTable.get(table);
  return selected.has(table) || (rule !== undefined && (rule.rows !== 'copy' || rule.where !== undefined));
}

function leastOf({ least }: PlannedDatabase, { table }: Table): { readonly least?: LeastRows } {
  const found = least.get(quoteTable(table));
  return found ? { least: found } : {};
}
