import type { Column, Table } from '../catalog.ts';
import { quoteText } from '../names.ts';
import { castType, kindOf, lengthOf, plainTypes, readableType } from './type-casts.ts';

/** How a column of the incoming table gets its value from staging's row. */
export interface ColumnCast {
  readonly column: string;
  /** Staging's type and the new one's, as SQL writes them. */
  readonly from: string;
  readonly to: string;
  /** SQL over staging's row; absent: staging has no such column, and the new one's default stands. */
  readonly sql?: string;
}

/** How staging's rows fit into the new table, as far as the two catalogs say. */
export interface ColumnCasts {
  /** In the order of the new table; those whose value the server makes are not here. */
  readonly casts: readonly ColumnCast[];
  /** Columns that have no way from the one type to the other, or none to a value, in words. */
  readonly impossible: readonly { readonly column: string; readonly why: string }[];
  /** What the rows have yet to show. */
  readonly proofs: readonly CastProof[];
  /** Columns that only staging has. */
  readonly lost: readonly string[];
}

/** What must hold of staging's values for a cast to lose nothing. */
export interface CastProof {
  readonly cast: ColumnCast;
  /** SQL: fails where the new type cannot read a value. */
  readonly reads: string;
  /** SQL conditions of the rows that do not fit, and what is wrong with them: `longer than 3 characters`. */
  readonly unfit: readonly { readonly sql: string; readonly words: string }[];
}

/**
 * Columns meet by name, and the new one's type decides. `own` is the table as staging has it now, `incoming` as the new
 * database will. A generated column is left to the server, one that staging lacks takes its default.
 */
export function castColumns(own: Table, incoming: Table): ColumnCasts {
  const staging = new Map(own.columns.map((column) => [column.name, column]));
  const all = incoming.columns.filter(({ generated }) => !generated).map((to) => castColumn(staging.get(to.name), to));
  const kept = new Set(incoming.columns.map(({ name }) => name));
  return {
    casts: all.flatMap(({ cast }) => cast ?? []),
    impossible: all.flatMap(({ impossible }) => impossible ?? []),
    proofs: all.flatMap(({ proof }) => proof ?? []),
    lost: own.columns.filter(({ name, generated }) => !kept.has(name) && !generated).map(({ name }) => name),
  };
}

interface CastOfColumn {
  readonly cast?: ColumnCast;
  readonly impossible?: ColumnCasts['impossible'][number];
  readonly proof?: CastProof;
}

function castColumn(from: Column | undefined, to: Column): CastOfColumn {
  const column = to.name;
  if (!from) {
    if (to.required && !to.hasDefault)
      return {
        impossible: {
          column,
          why: `staging has no such column, and the new one, ${to.type}, takes no null and has no default`,
        },
      };
    return { cast: { column, from: '', to: to.type } };
  }
  const found = castType(from, to);
  if (!found) return { impossible: { column, why: `${from.type} cannot become ${to.type}` } };
  const cast = { column, from: from.type, to: to.type, sql: found.sql };
  const text = `(${found.sql})::text`;
  const unfit: { sql: string; words: string }[] = [];
  if (to.required && (!from.required || kindOf(from) === 'json'))
    unfit.push({ sql: `(${found.sql}) is not distinct from null`, words: 'null, which it does not take' });
  const plain = plainTypes(from, to);
  if (plain && unfit.length === 0) return { cast };
  const each = (condition: (value: string) => string) =>
    to.element === undefined
      ? condition(text)
      : `exists (select from unnest(${text}::text[]) e(element) where ${condition('element')})`;
  const room = lengthOf(to);
  if (!plain && room !== undefined)
    unfit.push({ sql: each((value) => `length(${value}) > ${room}`), words: `longer than ${room} characters` });
  if (!plain && to.labels) {
    const labels = `array[${to.labels.map(quoteText).join(', ')}]::text[]`;
    unfit.push({ sql: each((value) => `${value} <> all (${labels})`), words: 'not among its labels' });
  }
  const kind = kindOf(to);
  const read = `${text}::${readableType(to)}`;
  if (found.exact)
    unfit.push({
      sql: `(${read})::text::${found.exact.type} is distinct from ${found.exact.of}`,
      words: 'that it would change',
    });
  // Of the types that only the new database may have, the text is all that can be looked at here.
  const isKnown = kind !== 'text' && kind !== 'enum' && kind !== 'other';
  return { cast, proof: { cast, reads: !plain && isKnown ? read : text, unfit } };
}
