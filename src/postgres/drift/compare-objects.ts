import { redact } from '../../errors.ts';
import { displayTable, type TableName } from '../names.ts';
import type { Drift, DriftedObject, ObjectKind } from './drift.ts';
import { shortened } from './shortened.ts';
import type { SchemaObject, SchemaObjects } from './schema-objects.ts';

export interface CompareOptions {
  /** Relations that a clone does not make: told of neither, with all that is theirs and the foreign keys to them. */
  readonly skip?: readonly TableName[];
  readonly skipExtensions?: readonly string[];
}

/**
 * How two databases differ, object by object. A table or view that only one has is told once, with what it is made of;
 * where two tables have the same columns in another order, that is told of the table. Pure.
 */
export function compareObjects(source: SchemaObjects, target: SchemaObjects, options: CompareOptions = {}): Drift {
  const [mine, yours] = [without(source.objects, options), without(target.objects, options)];
  const [ours, theirs] = [byKey(mine), byKey(yours)];
  const [held, others] = [holdersOf(mine), holdersOf(yours)];
  const isSame = (one: SchemaObject, other: SchemaObject) =>
    (one.definition === other.definition && !one.always) ||
    one.compared() === other.compared() ||
    (source.version !== target.version &&
      one.acrossVersions !== undefined &&
      one.acrossVersions === other.acrossVersions);
  const found: (readonly [SchemaObject, DriftedObject])[] = [];
  let kept = 0;
  const tell = (object: SchemaObject, from: string | undefined, to: string | undefined) => {
    const { kind, name, table } = object;
    const [a, b] = shortened(from && redact(from), to && redact(to), kept > mostInAll ? fewCharacters : mostCharacters);
    kept += (a?.length ?? 0) + (b?.length ?? 0);
    found.push([
      object,
      {
        kind,
        name: redact(name),
        ...(table === undefined ? {} : { table: redact(table) }),
        ...(a === undefined ? {} : { source: a }),
        ...(b === undefined ? {} : { target: b }),
      },
    ]);
  };
  const isToldAbove = (object: SchemaObject, elsewhere: Holders) =>
    (object.kind === 'column' && object.ofParent === true) ||
    (!isHolder(object) && object.table !== undefined && !elsewhere.tables.has(object.table)) ||
    (object.column !== undefined && !elsewhere.columns.has(object.column));
  for (const [key, one] of ours) {
    const other = theirs.get(key);
    if (!other) {
      if (!isToldAbove(one, others)) tell(one, whole(one, held), undefined);
    } else if (one.kind === 'column' && one.ofParent && other.ofParent) continue;
    else if (one.kind === 'table') {
      const order = (one.ofParent ?? other.ofParent) ? undefined : orders(one.name, held, others);
      if (order) tell(one, `${one.definition}, ${order[0]}`, `${other.definition}, ${order[1]}`);
      else if (!isSame(one, other)) tell(one, one.definition, other.definition);
    } else if (!isSame(one, other)) tell(one, one.definition, other.definition);
  }
  for (const [key, other] of theirs)
    if (!ours.has(key) && !isToldAbove(other, held)) tell(other, undefined, whole(other, others));
  return {
    objects: new Set([...ours.keys(), ...theirs.keys()]).size,
    differences: found.toSorted(([a], [b]) => inOrder(a, b)).map(([, told]) => told),
  };
}

function without(
  objects: readonly SchemaObject[],
  { skip = [], skipExtensions = [] }: CompareOptions,
): readonly SchemaObject[] {
  if (skip.length + skipExtensions.length === 0) return objects;
  const skipped = new Set(skip.map(displayTable));
  const extensions = new Set(skipExtensions.map((name) => displayTable({ schema: 'public', name })));
  return objects.filter(
    ({ kind, name, table = '', refers = '' }) =>
      !skipped.has(table) &&
      !skipped.has(refers) &&
      !(kind === 'sequence' && skipped.has(name)) &&
      !(kind === 'extension' && extensions.has(name)),
  );
}

/** The kinds in the order that they are told in, within a table. */
const kinds: readonly ObjectKind[] = [
  'extension',
  'schema',
  'table',
  'view',
  'materialized view',
  'column',
  'constraint',
  'index',
  'trigger',
  'rule',
  'policy',
  'statistics',
  'sequence',
  'enum',
  'domain',
  'type',
  'function',
];

function inOrder(a: SchemaObject, b: SchemaObject): number {
  return (
    byText(a.schema, b.schema) ||
    byText(a.table ?? a.name, b.table ?? b.name) ||
    kinds.indexOf(a.kind) - kinds.indexOf(b.kind) ||
    byText(a.name, b.name)
  );
}

// A plan holds all that differs. Where databases have little in common, of most only the beginning.
const mostCharacters = 8_000;
const mostInAll = 2_000_000;
const fewCharacters = 200;

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byKey(objects: readonly SchemaObject[]): Map<string, SchemaObject> {
  return new Map(objects.map((object) => [`${object.kind} ${object.name}`, object]));
}

/** What has parts. */
interface Holders {
  readonly tables: ReadonlyMap<string, readonly SchemaObject[]>;
  readonly columns: ReadonlySet<string>;
}

function isHolder({ kind }: SchemaObject): boolean {
  return kind === 'table' || kind === 'view' || kind === 'materialized view';
}

function holdersOf(objects: readonly SchemaObject[]): Holders {
  const tables = new Map<string, SchemaObject[]>();
  for (const object of objects) if (isHolder(object)) tables.set(object.name, []);
  for (const object of objects) if (!isHolder(object)) tables.get(object.table ?? '')?.push(object);
  return { tables, columns: new Set(objects.flatMap(({ kind, name }) => (kind === 'column' ? [name] : []))) };
}

/** The definition of what only one has: of a table with all its parts. */
function whole(object: SchemaObject, { tables }: Holders): string {
  const parts = isHolder(object) ? (tables.get(object.name) ?? []) : [];
  return [
    object.definition,
    ...parts.map(({ kind, name, table = '', definition }) => {
      const own = name.startsWith(`${table}.`) ? name.slice(table.length + 1) : name;
      return `${kind} ${own}: ${definition}`;
    }),
  ].join('\n');
}

/** The columns that both have, in the order of either, where it is not the same; shortened to where they part. */
function orders(table: string, ours: Holders, theirs: Holders): readonly [string, string] | undefined {
  const names = ({ tables }: Holders) =>
    (tables.get(table) ?? []).flatMap(({ kind, name }) => (kind === 'column' ? [name.slice(table.length + 1)] : []));
  const [a, b] = [names(ours), names(theirs)];
  const [inA, inB] = [new Set(a), new Set(b)];
  const [left, right] = [a.filter((name) => inB.has(name)), b.filter((name) => inA.has(name))];
  return left.every((name, index) => name === right[index])
    ? undefined
    : [`columns in the order ${left.join(', ')}`, `columns in the order ${right.join(', ')}`];
}
