import type { Config } from './config.ts';
import type { Ends } from './connect.ts';
import { RestageError } from './errors.ts';
import { readTables, rowsOf, type Table } from './postgres/catalog.ts';
import { displayTable, quoteTable } from './postgres/names.ts';
import {
  allRows,
  findKeyColumns,
  readKeyHashes,
  readKeys,
  readSelectedHashes,
  type KeyColumn,
  type NamingRows,
} from './postgres/rules/named-keys.ts';
import type { Origin, ReadSession } from './postgres/session.ts';
import type { TableRule } from './postgres/rules/table-rule.ts';
import type { TargetDatabase } from './postgres/target.ts';
import { resolveRules, type ResolvedRules } from './resolve-rules.ts';
import { growKeySet, type KeySet } from './s3/key-set.ts';
import type { KeysWanted } from './selection-of.ts';

/** The keys that rows name. */
export interface ReferencedKeys {
  readonly keys: KeySet;
  /** Where they were read, in words. */
  readonly from: string;
  /** Why the run may find fewer; absent where these are the ones. */
  readonly estimate?: string;
  /** Some of the keys that no listing of the source had until now. */
  examples(): Promise<readonly string[]>;
}

const examplesTold = 5;

/** From a database whose rows are all there. In a transaction of the session. Throws `config-invalid`. */
export async function readKeysIn(
  session: ReadSession,
  { bucket, referencedBy }: Pick<KeysWanted, 'bucket' | 'referencedBy'>,
): Promise<KeySet> {
  const keys = growKeySet();
  for (const column of await findKeyColumns(session, referencedBy, settingOf(bucket)))
    await readKeyHashes(session, allRows(column), keys.add);
  return keys.done();
}

/** From the target's present database. Throws `config-invalid`, and what a connection throws. */
export async function readPresentKeys(target: TargetDatabase, wanted: KeysWanted): Promise<ReferencedKeys> {
  await using session = await openPresent(target, wanted);
  const keys = await readKeysIn(session, wanted);
  return {
    keys,
    from: placeOf(session.origin),
    examples: async () => {
      const hashes = keys.someAbsent(examplesTold);
      if (hashes.length === 0) return [];
      await using again = await openPresent(target, wanted);
      const columns = await findKeyColumns(again, wanted.referencedBy, settingOf(wanted.bucket));
      return await readSome(again, columns.map(allRows), hashes);
    },
  };
}

/**
 * Before there is a new database: from the source's rows that are to be copied, and the target's that are to stay.
 * Throws `config-invalid` for columns that are not there, or hold no keys any more when they arrive.
 */
export async function estimateKeys(
  config: Config,
  { source, target }: Ends,
  wanted: KeysWanted,
): Promise<ReferencedKeys> {
  const { database } = source;
  if (!database || !target.database)
    throw new RestageError('config-invalid', `objects.${wanted.bucket}.only: referenced needs a database`);
  const keys = growKeySet();
  await using moment = await database.snapshot(wanted);
  const { session } = moment;
  const tables = await readTables(session, config.database.skipExtensions);
  const rules = resolveRules(config.database.tables, tables);
  const parts: Part[] = [];
  for (const column of await findKeyColumns(session, wanted.referencedBy, settingOf(wanted.bucket)))
    parts.push(...partsOf(column, tables, rules, settingOf(wanted.bucket)));
  const copied = parts.filter(({ rule }) => rule === undefined || rule.rows === 'copy' || rule.rows === 'merge');
  const rows = copied.map(({ column, table, rule }) => ({ ...column, rows: rowsOf(table), where: rule?.where }));
  let isWhole = true;
  for (const one of rows) isWhole = (await readSelectedHashes(session, one, keys.add)) && isWhole;
  const own = parts.filter(({ rule }) => rule?.rows === 'keep' || rule?.rows === 'merge');
  const ownRows = own.length === 0 ? [] : await readOwn(target.database, own, wanted, keys.add);
  const done = keys.done();
  const estimate = estimateOf(config, parts, isWhole);
  return {
    keys: done,
    from: placeOf(session.origin),
    ...(estimate === undefined ? {} : { estimate }),
    examples: async () => {
      const hashes = done.someAbsent(examplesTold);
      if (hashes.length === 0) return [];
      await using again = await database.snapshot(wanted);
      const found = await readSome(again.session, rows, hashes);
      if (found.length > 0 || ownRows.length === 0 || !target.database) return found;
      await using present = await openPresent(target.database, wanted);
      return await readSome(present, ownRows, hashes);
    },
  };
}

/** A table that holds rows of its own, with the column that names keys. */
interface Part {
  readonly column: KeyColumn;
  readonly table: Table;
  readonly rule: TableRule | undefined;
}

/** Throws `config-invalid` for a column that names nothing when it has arrived. */
export function partsOf(column: KeyColumn, tables: readonly Table[], rules: ResolvedRules, setting: string): Part[] {
  const name = quoteTable(column.table);
  const own = tables.filter(({ table, parents }) => [table, ...parents].some((one) => quoteTable(one) === name));
  const called = `${displayTable(column.table)}.${column.column}`;
  const refuse = (why: string, hint: string) =>
    new RestageError('config-invalid', `${setting}: ${called} ${why}`, { hint });
  const skipped = new Set(rules.skip.map(quoteTable));
  const made = own.filter(({ table }) => !skipped.has(quoteTable(table)));
  if (made.length === 0)
    throw refuse('is in no table that is copied', 'Name columns of tables that the new database has.');
  return made.map((table) => {
    const rule = rules.byTable.get(quoteTable(table.table));
    const changed = rule?.columns[column.column];
    if (changed)
      throw refuse(
        `is ${changed.kind === 'mask' ? 'masked' : 'set'} by database.tables, and names no object of the bucket then`,
        `Leave the column as it is, or take it out of ${setting}.`,
      );
    return { column, table, rule };
  });
}

/** Staging's own rows, as they are now; what it has no such table or column for is told by the plan of these rows. */
async function readOwn(
  target: TargetDatabase,
  own: readonly Part[],
  wanted: KeysWanted,
  add: (keyHash: string) => void,
): Promise<readonly NamingRows[]> {
  await using session = await openPresent(target, wanted);
  const tables = await readTables(session);
  const rows = own.flatMap(({ column, table, rule }): NamingRows[] => {
    const found = tables.find((one) => quoteTable(one.table) === quoteTable(table.table));
    const isThere = found?.columns.some(({ name }) => name === column.column);
    return found && isThere ? [{ ...column, rows: rowsOf(found), where: rule?.ownWhere }] : [];
  });
  for (const one of rows) await readSelectedHashes(session, one, add);
  return rows;
}

/** Why there may be fewer in the end. */
function estimateOf(config: Config, parts: readonly Part[], isWhole: boolean): string | undefined {
  if (config.database.subset) return 'the subset may need fewer of these rows';
  if (!isWhole) return 'which rows a where leaves out could not be asked';
  const rules = parts.flatMap(({ rule }) => rule ?? []);
  if (rules.some(({ rewrite }) => rewrite.length > 0)) return 'rewrite may change what rows name';
  if (rules.some(({ rows, onOrphan }) => rows === 'merge' || rows === 'keep' || onOrphan === 'drop'))
    return 'rows of both ends meet, and some may be left out';
  return undefined;
}

/** Some of the keys, as far as some were found. */
export async function readSome(
  session: ReadSession,
  places: readonly NamingRows[],
  hashes: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const rows of places) {
    if (found.size >= hashes.length) break;
    for (const key of await readKeys(session, rows, hashes)) found.add(key);
  }
  return [...found];
}

async function openPresent(target: TargetDatabase, { label, signal }: Pick<KeysWanted, 'label' | 'signal'>) {
  const session = await target.session({ label, access: 'read-only', signal });
  try {
    await session.execute('begin transaction isolation level repeatable read, read only');
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function settingOf(bucket: string): string {
  return `objects.${bucket}.referencedBy`;
}

function placeOf({ database, host, port }: Origin): string {
  return `${database} at ${host}:${port}`;
}
