import type { Column, Table } from '../postgres/catalog.ts';
import { plainName } from '../postgres/empty-tables.ts';
import { maskBits, maskFits } from '../postgres/masks/mask-sql.ts';
import { displayTable, quoteTable, type TableName } from '../postgres/names.ts';
import type { ForeignKey } from '../postgres/references.ts';
import type { Mask } from '../postgres/rules/table-rule.ts';
import type { BoundTable } from '../postgres/rules/telling-names.ts';
import { columnKey, type UniqueColumns } from '../postgres/rules/unique-columns.ts';
import type { UnmaskedColumn } from '../postgres/rules/unmasked.ts';
import { likelyMasks } from './likely-masks.ts';

/** What the source has, and the target, as far as both could be looked at. */
export interface SeenTables {
  readonly tables: readonly Table[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly unique: UniqueColumns;
  readonly personal: readonly UnmaskedColumn[];
  readonly bound: readonly BoundTable[];
  /** The target's, by quoted name; undefined where it could not be asked. */
  readonly target: ReadonlyMap<string, Table> | undefined;
}

/** A rule that is proposed: what stands in the file, each with its reason. */
export interface ProposedRule {
  /** As the config writes it. */
  readonly table: string;
  readonly rows?: 'keep';
  readonly onOrphan?: 'drop';
  readonly mask: Readonly<Record<string, Mask>>;
  readonly carry?: { readonly match: string; readonly columns: readonly string[] };
  /** Of the table as a whole. */
  readonly reasons: readonly string[];
  /** Of each column. */
  readonly why: Readonly<Record<string, string>>;
}

/** Settings that could be made, for a comment, with what is said of them. */
export interface Suggestion {
  readonly table: string;
  readonly setting: unknown;
  readonly reason: string;
}

export interface ProposedRules {
  readonly rules: readonly ProposedRule[];
  readonly suggestions: readonly Suggestion[];
  /** SQL for afterLoad. */
  readonly afterLoad: readonly string[];
  /** Columns that look personal and that no mask fits, with the reason. */
  readonly left: readonly { readonly column: string; readonly reason: string }[];
}

/** Rules that a plan would take, for what looks personal or bound to its environment. They are for a person to look at. */
export function proposeRules(seen: SeenTables): ProposedRules {
  const kept = new Map(
    seen.bound.filter(({ kind }) => kind === 'logins').flatMap(({ table }) => keepOf(wholeOf(table, seen), seen)),
  );
  const carried = new Map(
    seen.bound.flatMap((one) => (one.kind === 'ids elsewhere' ? carryOf(wholeOf(one.table, seen), one, seen) : [])),
  );
  const masks = new Map<string, ProposedMask[]>();
  const left: { column: string; reason: string }[] = [];
  for (const { table, column, reason } of withParents(seen)) {
    const name = plainName(table);
    if (kept.has(name)) continue;
    const mask = maskOf(table, column, reason, seen);
    if (mask === undefined) left.push({ column: `${displayTable(table)}.${column}`, reason });
    else masks.set(name, [...(masks.get(name) ?? []), { column, mask, reason }]);
  }
  const names = [...new Set(seen.tables.map(({ table }) => plainName(wholeOf(table, seen))))];
  const rules = names.flatMap((table): ProposedRule[] => {
    const keep = kept.get(table);
    if (keep) return [{ table, rows: 'keep', ...keep, mask: {}, why: {} }];
    const [own, carry] = [masks.get(table) ?? [], carried.get(table)];
    if (own.length === 0 && !carry) return [];
    return [
      {
        table,
        mask: Object.fromEntries(own.map(({ column, mask }) => [column, mask])),
        why: Object.fromEntries(own.map(({ column, reason }) => [column, reason])),
        ...(carry ? { carry } : {}),
        reasons: carry ? [`${carry.columns.join(', ')}: ids at other services, staging's own are carried over`] : [],
      },
    ];
  });
  const { suggestions, afterLoad } = suggestionsOf(seen, new Set([...kept.keys(), ...carried.keys()]));
  const isRuled = ({ table }: Suggestion) => rules.some((rule) => rule.table === table);
  return {
    // Of what has a rule already it is said there.
    rules: rules.map((rule) => ({
      ...rule,
      reasons: [
        ...rule.reasons,
        ...suggestions.filter(({ table }) => table === rule.table).map(({ reason }) => `${reason}. Would empty do?`),
      ],
    })),
    suggestions: suggestions.filter((one) => !isRuled(one)),
    afterLoad,
    left,
  };
}

interface ProposedMask {
  readonly column: string;
  readonly mask: Mask;
  readonly reason: string;
}

/** The partitioned table that a partition is of, else the table itself. */
function wholeOf(table: TableName, { tables }: SeenTables): TableName {
  const found = tables.find((one) => quoteTable(one.table) === quoteTable(table));
  const above = found?.parents.at(-1);
  // A parent that holds rows has a rule of its own.
  return above && !tables.some((one) => quoteTable(one.table) === quoteTable(above)) ? above : table;
}

/** The tables that hold the rows of one. */
function partsOf(table: TableName, { tables }: SeenTables): readonly Table[] {
  const name = quoteTable(table);
  return tables.filter((one) => [one.table, ...one.parents].some((each) => quoteTable(each) === name));
}

type Kept = Pick<ProposedRule, 'onOrphan' | 'reasons'>;

/** Staging's own rows can stay where staging has the table, and no row of production needs one of production's there. */
function keepOf(table: TableName, seen: SeenTables): [string, Kept][] {
  const name = quoteTable(table);
  const isOwn = (one: TableName) => quoteTable(one) === name;
  if (!isAtTarget(table, seen) || seen.foreignKeys.some((key) => isOwn(key.parent) && !isOwn(key.table))) return [];
  const refers = seen.foreignKeys.some((key) => isOwn(key.table) && !isOwn(key.parent));
  const reasons = [
    "logins and keys, by its name: staging's own stay",
    ...(refers ? ['onOrphan: those whose user or other parent production has not are dropped, and counted'] : []),
  ];
  return [[plainName(table), { ...(refers ? { onOrphan: 'drop' as const } : {}), reasons }]];
}

function isAtTarget(table: TableName, { target, tables }: SeenTables, columns: readonly string[] = []): boolean {
  const names = [
    table,
    ...tables
      .filter(({ parents }) => parents.some((one) => quoteTable(one) === quoteTable(table)))
      .map((one) => one.table),
  ];
  const found = names.flatMap((one) => target?.get(quoteTable(one)) ?? []);
  return (
    found.length > 0 &&
    columns.every((name) => found.every((one) => one.columns.some((column) => column.name === name)))
  );
}

/** Values that are staging's own come from its rows of the same person. */
function carryOf(
  table: TableName,
  { columns = [] }: BoundTable,
  seen: SeenTables,
): [string, NonNullable<ProposedRule['carry']>][] {
  const [part] = partsOf(table, seen);
  if (!part) return [];
  const isOnly = (name: string) => seen.unique.get(columnKey(part.table, name)) === 'alone';
  const match = part.columns.find(
    ({ name, generated }) => /^e[-_ ]?mail([-_ ]?addr(ess)?)?$/i.test(name) && !generated && isOnly(name),
  );
  const isReferred = (name: string) =>
    seen.foreignKeys.some((key) => quoteTable(key.parent) === quoteTable(table) && key.parentColumns.includes(name));
  const own = columns.filter((name) => !isReferred(name) && !part.primaryKey.includes(name));
  if (!match || own.length === 0 || !isAtTarget(table, seen, [match.name, ...own])) return [];
  return [[plainName(table), { match: match.name, columns: own }]];
}

/** The columns that look personal; instead of those that refer to others, the ones that they refer to, which give them their mask. */
function withParents(seen: SeenTables): readonly UnmaskedColumn[] {
  const all = new Map<string, UnmaskedColumn>();
  for (const one of seen.personal) {
    const above = referredBy(one, seen);
    const key = columnKey(above.table, above.column);
    const isOther = above.column !== one.column || quoteTable(above.table) !== quoteTable(one.table);
    const reason = isOther ? `${displayTable(one.table)}.${one.column}, which refers to it: ${one.reason}` : one.reason;
    if (!all.has(key) || !isOther) all.set(key, { ...above, reason });
  }
  return [...all.values()];
}

function referredBy({ table, column }: UnmaskedColumn, { foreignKeys }: SeenTables) {
  let at = { table, column };
  const seen = new Set<string>();
  while (!seen.has(columnKey(at.table, at.column))) {
    seen.add(columnKey(at.table, at.column));
    for (const key of foreignKeys) {
      const index = quoteTable(key.table) === quoteTable(at.table) ? key.columns.indexOf(at.column) : -1;
      const parentColumn = key.parentColumns[index];
      if (parentColumn === undefined) continue;
      at = { table: key.parent, column: parentColumn };
      break;
    }
  }
  return at;
}

/** The first of the likely masks that fits all parts of the table, and makes enough different values where they must be. */
function maskOf(table: TableName, name: string, reason: string, seen: SeenTables): Mask | undefined {
  const parts = partsOf(table, seen).flatMap((part) => {
    const column = part.columns.find((one) => one.name === name);
    return column ? [{ part, column }] : [];
  });
  const [first] = parts;
  if (!first) return undefined;
  return likelyMasks(first.column, reason).find((mask) =>
    parts.every(
      ({ part, column }) => maskFits(mask, column, part) === undefined && makesEnough(mask, column, part, seen),
    ),
  );
}

/** Two values become one by chance in fewer than one of ten thousand runs. */
function makesEnough(mask: Mask, column: Column, { table, rows }: Table, { unique }: SeenTables): boolean {
  if (!unique.has(columnKey(table, column.name))) return true;
  if (mask === 'null') return true;
  return maskBits(mask, column) >= 2 * Math.log2(Math.max(rows, 1000)) + 13;
}

/** What only a person can decide. */
function suggestionsOf(seen: SeenTables, done: ReadonlySet<string>): Pick<ProposedRules, 'suggestions' | 'afterLoad'> {
  const suggestions: Suggestion[] = [];
  const afterLoad: string[] = [];
  const told = new Set<string>();
  for (const { table: part, kind } of seen.bound) {
    const table = wholeOf(part, seen);
    const name = plainName(table);
    if (done.has(name) || told.has(name)) continue;
    told.add(name);
    const [first] = partsOf(table, seen);
    const has = (pattern: RegExp, type: RegExp) =>
      first?.columns.find((one) => pattern.test(one.name) && type.test(one.base));
    const suggest = (setting: unknown, reason: string) => void suggestions.push({ table: name, setting, reason });
    if (kind === 'work') {
      const status = has(/^(status|state)$/i, /^(text|character varying)$/);
      suggest('empty', 'unfinished work, by its name: staging would do it once more');
      if (status && /^[\w$.]+$/.test(name))
        afterLoad.push(
          `update ${sqlName(table)} set ${sqlWord(status.name)} = 'cancelled' where ${sqlWord(status.name)} in ('pending', 'running')`,
        );
    } else if (kind === 'calls') {
      const flag = has(/^(is_?)?(enabled|active)$/i, /^boolean$/);
      suggest(
        flag ? { set: { [flag.name]: 'false' } } : 'empty',
        "calls to others, by its name: staging would make production's",
      );
    } else if (kind === 'records') suggest('empty', 'records of what was done at production, by its name');
    else if (kind === 'logins')
      suggest(
        seen.target && !isAtTarget(table, seen) ? 'empty' : 'keep',
        seen.target && !isAtTarget(table, seen)
          ? 'logins and keys, by its name, and staging has no such table'
          : 'logins and keys, by its name; rows of other tables refer to them, and need a rule too',
      );
  }
  return { suggestions, afterLoad };
}

function sqlWord(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function sqlName({ schema, name }: TableName): string {
  return schema === 'public' ? sqlWord(name) : `${sqlWord(schema)}.${sqlWord(name)}`;
}
