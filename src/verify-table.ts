import { comparable, lettingLocksGo, type Column, type Table } from './postgres/catalog.ts';
import { countRows, digestTable, isSampled, type Digest, type Sample } from './postgres/digest.ts';
import type { TableName } from './postgres/names.ts';
import { bothSelects, findContained, type Contained } from './postgres/rules/row-hashes.ts';
import { countByRule, digestByRule, readByRule, ruleError } from './postgres/rules/rule-reading.ts';
import { changesRows, changesValues, comparedColumns, isLasting } from './postgres/rules/table-rows.ts';
import { plainRule, type TableRule } from './postgres/rules/table-rule.ts';
import type { ReadSession } from './postgres/session.ts';

/** What is compared of every table: all that its rows hold, that of a sample of them, or their number alone. */
export type Compared = 'content' | 'sample' | 'rows';

export interface VerifiedTable {
  readonly table: TableName;
  readonly source: Digest;
  /** Absent where the target has no such table. */
  readonly target?: Digest;
  /** Columns that only the source has: a difference, unless the target's migrations go further. */
  readonly missingColumns: readonly string[];
  /** Columns that are the target's own by a rule, or another value each time: not compared. */
  readonly ownColumns: readonly string[];
  readonly equal: boolean;
}

/** A table in which rows of staging's own stand beside the source's: these were looked for one by one. */
export interface MergedTable extends Contained {
  readonly table: TableName;
  /** Columns that are not compared. */
  readonly ownColumns: readonly string[];
  /** By its rule staging's own row stays where both have the key: one that differs, or is missing, may be that. */
  readonly ownWins: boolean;
  readonly equal: boolean;
}

/** One table at both ends, `theirs` as the target has it. */
export interface Sides {
  readonly source: ReadSession;
  readonly ours: Table;
  readonly target: ReadSession;
  readonly theirs: Table | undefined;
  readonly rule: TableRule | undefined;
}

/** In a quick look one row in so many is compared of a table that has more than so many bytes. */
const sampleOneIn = 64;
const wholeBytes = 16 * 1024 * 1024;

/** Compares a table by digest, or by the number of its rows. In transactions of both sessions. */
export async function verifyTable(
  sides: Sides & { readonly migratedFurther: boolean },
  compared: Compared,
): Promise<VerifiedTable> {
  const { source, ours, target, theirs, rule, migratedFurther } = sides;
  const { columns, ownColumns } = columnsOf(sides);
  const sample = compared === 'sample' ? sampleOf(ours, rule, columns) : undefined;
  const [sourceDigest, targetDigest] = await Promise.all([
    rule && changesRows(ours, rule)
      ? readRuled(source, ours, rule, columns, compared, sample)
      : lettingLocksGo(source, () => readPlain(source, ours, columns, ours.condition, compared, sample)),
    theirs
      ? lettingLocksGo(target, () => readPlain(target, theirs, columns, ours.condition, compared, sample))
      : undefined,
  ]);
  const missingColumns = missingColumnsOf(ours, theirs ?? ours);
  return {
    table: ours.table,
    source: sourceDigest,
    ...(targetDigest ? { target: targetDigest } : {}),
    missingColumns,
    ownColumns,
    equal:
      targetDigest !== undefined &&
      (missingColumns.length === 0 || migratedFurther) &&
      targetDigest.rows === sourceDigest.rows &&
      targetDigest.content === sourceDigest.content,
  };
}

/** Columns that only the source's table has. */
export function missingColumnsOf(ours: Table, theirs: Table): readonly string[] {
  const known = new Set(theirs.columns.map(({ name }) => name));
  return ours.columns.filter(({ name }) => !known.has(name)).map(({ name }) => name);
}

/** The columns in which both ends must be alike, and those that are left out. */
function columnsOf({ ours, theirs, rule }: Pick<Sides, 'ours' | 'theirs' | 'rule'>): {
  readonly columns: readonly Column[];
  readonly ownColumns: readonly string[];
} {
  const carried = rule?.carry?.columns ?? [];
  const isOwn = (column: Column) => carried.includes(column.name) || (rule !== undefined && !isLasting(column, rule));
  const compared = comparedColumns(ours, rule);
  // What is generated may be made of what is the target's own.
  const own = ours.columns
    .filter((column) => !compared.includes(column) || isOwn(column) || (carried.length > 0 && column.generated))
    .map(({ name }) => name);
  const columns = (theirs ? comparable(ours, theirs) : ours.columns).filter(({ name }) => !own.includes(name));
  return { columns, ownColumns: own };
}

/** Undefined where all rows are read: of a small table, of one without a key, and where the key is a mask of the source's. */
function sampleOf(table: Table, rule: TableRule | undefined, columns: readonly Column[]): Sample | undefined {
  const key = keyOf(table, columns);
  if (table.sizeBytes <= wholeBytes || !key || changesValues({ columns: key }, rule)) return undefined;
  return { key, oneIn: sampleOneIn };
}

/** The columns of the primary key, where all of them are compared. */
function keyOf({ primaryKey }: Table, columns: readonly Column[]): readonly Column[] | undefined {
  const key = primaryKey.flatMap((name) => columns.find((column) => column.name === name) ?? []);
  return key.length === 0 || key.length < primaryKey.length ? undefined : key;
}

function readPlain(
  session: ReadSession,
  table: Table,
  columns: readonly Column[],
  condition: string | undefined,
  compared: Compared,
  sample: Sample | undefined,
): Promise<Digest> {
  return compared === 'rows'
    ? countRows(session, table, condition)
    : digestTable(session, table, columns, condition, sample);
}

/** Values that a rule makes are made for the rows of the sample alone. */
async function readRuled(
  session: ReadSession,
  table: Table,
  rule: TableRule,
  columns: readonly Column[],
  compared: Compared,
  sample: Sample | undefined,
): Promise<Digest> {
  if (compared === 'rows') return countByRule(session, table, rule);
  if (!sample) return digestByRule(session, table, rule, columns);
  const { rows } = await countByRule(session, table, rule);
  const { rows: sampled, content } = await digestByRule(session, table, rule, columns, isSampled(sample));
  return { rows, sampled, ...(content === undefined ? {} : { content }) };
}

/**
 * Looks for every row of the source in a table that has staging's own rows too. Of a table without a key rows are known by all that
 * they hold. Undefined where the target has not all of its columns.
 */
export async function verifyMerged(sides: Sides & { readonly theirs: Table }): Promise<MergedTable | undefined> {
  const { source, ours, target, theirs, rule = plainRule } = sides;
  const { columns, ownColumns } = columnsOf(sides);
  if (missingColumnsOf(ours, theirs).length > 0) return undefined;
  const selects = bothSelects(ours, rule, theirs);
  const find = () =>
    findContained(
      { session: source, select: selects.source },
      { session: target, select: selects.target },
      keyOf(ours, columns) ?? columns,
      columns,
    );
  let found: Contained;
  try {
    found = await readByRule(source, rule, () => lettingLocksGo(target, find));
  } catch (error) {
    throw ruleError(ours, error);
  }
  const ownWins = rule.onCollision === 'target';
  const strangers = found.different + found.missing;
  // Where staging's own row wins all that can be said is that some of the source's are there.
  const equal = ownWins ? found.same > 0 || found.source === 0 : strangers === 0;
  return { table: ours.table, ...found, ownColumns, ownWins, equal };
}
