import type { Config } from './config.ts';
import { failureOf, type Failure, type RestageError } from './errors.ts';
import { declaredReferences, planSubset } from './plan-subset.ts';
import type { ColumnCast } from './postgres/rules/casts.ts';
import { readTables, type Table } from './postgres/catalog.ts';
import { keyPrint } from './postgres/mask-key.ts';
import { quoteTable, type ColumnName, type TableName } from './postgres/names.ts';
import { proveRules } from './postgres/rules/fit.ts';
import { hiddenNotes } from './postgres/rules/hidden-values.ts';
import { planOrphans } from './postgres/rules/plan-orphans.ts';
import { planOwn } from './postgres/rules/plan-own.ts';
import { readForeignKeys, type ForeignKey } from './postgres/references.ts';
import { countSelected } from './postgres/rules/rule-reading.ts';
import type { ReadSession } from './postgres/session.ts';
import { planSkip, readSkipped } from './postgres/rules/skip.ts';
import { needsKey, type Subset, type TableRule } from './postgres/rules/table-rule.ts';
import type { TargetDatabase } from './postgres/target.ts';
import { unmaskedNotes, unmaskedRefusal } from './postgres/rules/unmasked-refusal.ts';
import { findUnmasked, type UnmaskedColumn } from './postgres/rules/unmasked.ts';
import { resolveRules } from './resolve-rules.ts';
import { scannedColumns } from './scanned-columns.ts';
import type { SubsetTable } from './facts.ts';
import type { ScannedColumn } from './step.ts';

/** What the config says of the data. */
export type RuleChoices = Pick<Config['database'], 'tables' | 'subset' | 'unmasked' | 'masks'>;

/** The rules of the config for the tables that there are, as far as the source alone can prove them. */
export interface SourceRules {
  /** By quoted name; a table that no rule is about is absent. */
  readonly byTable: ReadonlyMap<string, TableRule>;
  readonly skip: readonly TableName[];
  readonly foreignKeys: readonly ForeignKey[];
  /** How many rows are copied, where a rule limits them: by quoted name. */
  readonly selected: ReadonlyMap<string, number>;
  readonly subset?: { readonly subset: Subset; readonly tables: readonly SubsetTable[] };
  readonly unmasked: readonly UnmaskedColumn[];
  readonly scanned: { readonly columns: readonly ScannedColumn[]; readonly except: readonly ColumnName[] };
  readonly refusals: readonly Failure[];
  readonly notes: readonly string[];
}

/** Staging's own rows of a table, as they are now. */
export interface OwnRows {
  readonly rows: number;
  readonly casts: readonly ColumnCast[];
}

/** In the source's snapshot: which rule holds for which table, and whether each can work. */
export async function readSourceRules(
  session: ReadSession,
  choices: RuleChoices,
  tables: readonly Table[],
): Promise<SourceRules> {
  const resolved = resolveRules(choices.tables, tables);
  const skipped = new Set(resolved.skip.map(quoteTable));
  const made = tables.filter(({ table }) => !skipped.has(quoteTable(table)));
  const gone = new Set((await readSkipped(session, resolved.skip)).map(quoteTable));
  const foreignKeys = (await readForeignKeys(session)).filter(
    ({ table, parent }) => !gone.has(quoteTable(table)) && !gone.has(quoteTable(parent)),
  );
  const problems: RestageError[] = [...resolved.problems];
  const notes: string[] = [];
  const tell = <T extends { readonly problems: readonly RestageError[]; readonly notes: readonly string[] }>(
    told: T,
  ): T => {
    problems.push(...told.problems);
    notes.push(...told.notes);
    return told;
  };
  // Names that mean nothing come first: what would be said of the rest follows from them.
  const references = choices.subset ? declaredReferences(choices.subset, made, resolved.byTable) : [];
  const proven =
    problems.length > 0
      ? undefined
      : tell(await proveRules(session, made, resolved.byTable, foreignKeys, { references }));
  const byTable = proven?.rules ?? resolved.byTable;
  const sound = problems.length === 0;
  if (sound && resolved.skip.length > 0) tell(await planSkip(session, resolved.skip));
  const subset = sound && choices.subset ? tell(await planSubset(session, choices.subset, made, byTable)) : undefined;
  const selected = sound ? new Map(await countSelected(session, made, byTable)) : new Map<string, number>();
  for (const { table, rows } of subset?.tables ?? []) selected.set(quoteTable(table), rows);
  if (sound) tell(await planOrphans(session, made, byTable, foreignKeys, choices.subset === undefined));
  const unmasked = choices.unmasked === 'allow' ? [] : await findUnmasked(session, made, byTable);
  const refused = choices.unmasked === 'refuse' ? unmaskedRefusal(unmasked) : undefined;
  if (refused) problems.push(refused);
  if (choices.unmasked === 'warn') notes.push(...unmaskedNotes(unmasked));
  if (sound) notes.push(...(await hiddenNotes(session, made, byTable)));
  const scanned = scannedColumns(made, byTable);
  const scans = choices.masks.scan;
  if (!scans && scanned.columns.length > 0)
    notes.push(`nothing looks for real values of masked columns in what has arrived: database.masks.scan is false`);
  return {
    byTable,
    skip: resolved.skip,
    foreignKeys,
    selected,
    ...(subset ? { subset: { subset: subset.subset, tables: subset.tables } } : {}),
    unmasked,
    scanned: scans ? scanned : { columns: [], except: [] },
    refusals: problems.map(failureOf),
    notes,
  };
}

/** What tells the key from others, where a mask is computed by it. */
export function maskKeyOf({ byTable }: Pick<SourceRules, 'byTable'>, key: string | undefined): string | undefined {
  const isUsed = [...byTable.values()].some(({ columns }) =>
    Object.values(columns).some((one) => one.kind === 'mask' && needsKey(one.mask)),
  );
  return key !== undefined && isUsed ? keyPrint(key) : undefined;
}

/** In the target's present database: what of it stays or is carried over, and whether it fits into the new one. */
export async function readOwnRows(
  target: TargetDatabase,
  rules: SourceRules,
  incoming: readonly Table[],
  signal: AbortSignal | undefined,
): Promise<{
  readonly own: ReadonlyMap<string, OwnRows>;
  readonly refusals: readonly Failure[];
  readonly notes: readonly string[];
}> {
  const stays = [...rules.byTable.values()].some(({ rows, carry }) => rows === 'keep' || rows === 'merge' || carry);
  // A column without a rule does not keep the others' from being looked at.
  const isUnsound = rules.refusals.some(({ code }) => code !== 'unmasked');
  if (!stays || isUnsound) return { own: new Map(), refusals: [], notes: [] };
  await using session = await target.session({ label: 'plan', access: 'read-only', signal });
  await session.execute('begin transaction isolation level repeatable read, read only');
  const { tables, problems, notes } = await planOwn(session, rules.byTable, incoming, await readTables(session));
  return { own: tables, refusals: problems.map(failureOf), notes };
}
