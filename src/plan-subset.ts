import type { Config } from './config.ts';
import { RestageError } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Table } from './postgres/catalog.ts';
import { plainName } from './postgres/empty-tables.ts';
import { displayTable, isCalled, quoteTable, type TableName } from './postgres/names.ts';
import { connected, readReferenceGraph } from './postgres/rules/reference-graph.ts';
import type { ReadSession } from './postgres/session.ts';
import { someOf } from './postgres/some-of.ts';
import { selectSubset } from './postgres/rules/subset.ts';
import { matchesTable } from './postgres/rules/table-pattern.ts';
import type { Reference, StartingRows, Subset, TableRule } from './postgres/rules/table-rule.ts';
import type { SubsetTable } from './facts.ts';

type SubsetConfig = NonNullable<Config['database']['subset']>;

export interface PlannedSubset {
  readonly subset: Subset;
  /** Those that keys connect with the starting ones, with what is taken of each. */
  readonly tables: readonly SubsetTable[];
  readonly problems: readonly RestageError[];
  readonly notes: readonly string[];
}

/** The references that the config declares, of columns that there are. */
export function declaredReferences(
  config: SubsetConfig,
  tables: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
): readonly Reference[] {
  return readNames(config, tables, rules).references;
}

/**
 * What a subset comes to, in the source's snapshot. `tables`: those that are made; `rules`: by quoted name.
 * Problems are `config-invalid` for names that mean nothing, `rule-unfit` for a predicate that the server cannot evaluate.
 */
export async function planSubset(
  session: ReadSession,
  config: SubsetConfig,
  tables: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
): Promise<PlannedSubset> {
  const named = readNames(config, tables, rules);
  const { references } = named;
  const nothing = { subset: { from: [], children: [], also: [], references }, tables: [], notes: [] };
  if (named.problems.length > 0) return { ...nothing, problems: named.problems };
  const ruleOf = ({ table }: Table) => rules.get(quoteTable(table));
  // Staging's own rows, or none, come in place of the source's: nothing is followed through them.
  const copied = tables.filter((table) => ['copy', 'merge'].includes(ruleOf(table)?.rows ?? 'copy'));
  const graph = await readReferenceGraph(
    session,
    copied.map(({ table }) => table),
    references,
  );
  const reached = connected(
    graph,
    named.from.map(({ table }) => graph.side(table)),
  );
  const part = copied.filter(({ table }) => reached.has(quoteTable(table)));
  const whole = part.filter((table) => ruleOf(table)?.whole || table.ofExtension !== undefined);
  const children = part.filter((table) => named.children.some((pattern) => isAbout(table, pattern)));
  const subset: Subset = {
    from: named.from.flatMap(({ table, where }) => narrowed(table, where, part, rules)),
    also: whole.map((table): StartingRows => {
      const where = ruleOf(table)?.where ?? table.condition?.replace(/^\s*where\b/i, '');
      return { table: table.table, only: true, ...(where === undefined ? {} : { where }) };
    }),
    children: children.map((table) => ({ table: table.table, ...whereOf(ruleOf(table)) })),
    references,
  };
  try {
    const selected = await selectSubset(
      session,
      subset,
      part.map(({ table }) => table),
    );
    const parents = new Set(graph.edges.flatMap(({ parent }) => parent.relations.map(({ table }) => table)));
    const needed = part.filter(
      (table) => !whole.includes(table) && ruleOf(table)?.where && parents.has(quoteTable(table.table)),
    );
    const apart = copied.filter((table) => !part.includes(table) && table.rows > 0);
    return {
      subset,
      tables: selected.tables,
      problems: [],
      notes: [
        ...told(
          apart.map(({ table }) => table),
          (names) => `no key connects them with the subset, so that they are copied as if there were none: ${names}`,
        ),
        ...told(
          whole.filter(({ ofExtension }) => ofExtension === undefined).map(({ table }) => table),
          (names) =>
            `all their rows are copied, with all that these refer to, because database.tables says copy of them: ${names}`,
        ),
        ...told(
          needed.map(({ table }) => table),
          (names) =>
            `the subset takes rows that others refer to although the table's where leaves them out, in ${names}`,
        ),
        ...emptyStarts(named.from, tables, selected.tables),
      ],
    };
  } catch (error) {
    if (!(error instanceof RestageError) || error.code !== 'rule-unfit') throw error;
    return { ...nothing, subset, problems: [error] };
  }
}

function told(tables: readonly TableName[], words: (names: string) => string): string[] {
  return tables.length === 0 ? [] : [words(someOf(tables.map(displayTable)))];
}

function whereOf(rule: TableRule | undefined): { readonly where?: string } {
  return rule?.where === undefined ? {} : { where: rule.where };
}

/** The starting rows of a table, where rules say which of its rows there are: table by table, else in one go. */
function narrowed(
  name: TableName,
  predicate: string,
  part: readonly Table[],
  rules: ReadonlyMap<string, TableRule>,
): StartingRows[] {
  const own = part.filter((table) => isPartOf(table, name));
  const whereAt = ({ table }: Table) => rules.get(quoteTable(table))?.where;
  if (!own.some(whereAt)) return [{ table: name, where: predicate }];
  return own.map((table) => {
    const where = whereAt(table);
    const both = where === undefined ? predicate : `(\n${predicate}\n) and (\n${where}\n)`;
    return { table: table.table, where: both, only: true };
  });
}

function isPartOf({ table, parents }: Table, name: TableName): boolean {
  return [table, ...parents].some((one) => quoteTable(one) === quoteTable(name));
}

function isAbout({ table, parents }: Table, pattern: string): boolean {
  return [table, ...parents].some((one) => matchesTable(one, pattern));
}

function emptyStarts(
  from: readonly { readonly table: TableName }[],
  tables: readonly Table[],
  selected: readonly SubsetTable[],
): string[] {
  return from.flatMap(({ table }) => {
    const own = new Set(tables.filter((one) => isPartOf(one, table)).map((one) => quoteTable(one.table)));
    const some = selected.some((one) => own.has(quoteTable(one.table)) && one.rows > 0);
    return some ? [] : [`the subset starts from no row of ${displayTable(table)}: none meets its predicate`];
  });
}

interface Named {
  readonly from: readonly { readonly table: TableName; readonly where: string }[];
  /** Patterns. */
  readonly children: readonly string[];
  readonly references: readonly Reference[];
  readonly problems: readonly RestageError[];
}

/** The tables and columns that the config means. */
function readNames(config: SubsetConfig, tables: readonly Table[], rules: ReadonlyMap<string, TableRule>): Named {
  const problems: RestageError[] = [];
  const all = new Map(tables.flatMap(({ table, parents }) => [table, ...parents]).map((one) => [quoteTable(one), one]));
  const known = [...all.values()];
  const invalid = (setting: string, what: string, near: string | undefined, hint?: string) =>
    problems.push(
      new RestageError(
        'config-invalid',
        `database.subset.${setting}: ${what}${near === undefined ? '' : `; it has ${near}`}`,
        {
          hint,
        },
      ),
    );
  const unknownTable = (setting: string, name: string, what = `no table ${name}`) =>
    invalid(
      setting,
      `the source has ${what} that is copied`,
      nearest(name, known.map(plainName)),
      'Bare names are of the schema public; all others are schema.table, as in the database, upper and lower case.',
    );
  const from = Object.entries(config.from).flatMap(([name, where]) => {
    const table = known.find((one) => isCalled(one, name));
    if (!table) {
      unknownTable('from', name);
      return [];
    }
    const without = tables.find(
      (one) => isPartOf(one, table) && ['empty', 'keep'].includes(rules.get(quoteTable(one.table))?.rows ?? ''),
    );
    if (without)
      problems.push(
        new RestageError(
          'config-invalid',
          `database.subset.from: ${name} has none of the source's rows: its rule says rows: ${rules.get(quoteTable(without.table))?.rows}`,
          { hint: `Take ${name} out of database.subset.from, or its rule out of database.tables.` },
        ),
      );
    return [{ table, where }];
  });
  for (const pattern of config.children)
    if (!tables.some((table) => isAbout(table, pattern)))
      unknownTable('children', pattern, /[*?]/.test(pattern) ? `no table that ${pattern} matches` : undefined);
  const columnOf = (setting: string, name: string) => {
    const dot = name.lastIndexOf('.');
    const [tableName, column] = [name.slice(0, dot), name.slice(dot + 1)];
    const table = known.find((one) => isCalled(one, tableName));
    if (!table) return void unknownTable(setting, tableName);
    const columns = tables.filter((one) => isPartOf(one, table)).flatMap((one) => one.columns.map((each) => each.name));
    if (columns.includes(column)) return { table, column };
    return void invalid(setting, `${displayTable(table)} has no column ${column}`, nearest(column, columns));
  };
  const references = config.references.flatMap((one, index) => {
    const child = columnOf(`references.${index}.from`, one.from);
    const parent = columnOf(`references.${index}.to`, one.to);
    return child && parent ? [{ ...child, parent: parent.table, parentColumn: parent.column }] : [];
  });
  return { from, children: config.children, references, problems };
}
