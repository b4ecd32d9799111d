import type { Table } from './postgres/catalog.ts';
import { quoteTable, type ColumnName } from './postgres/names.ts';
import { maskKind, type Mask, type TableRule } from './postgres/rules/table-rule.ts';
import type { ScannedColumn } from './step.ts';

/**
 * What the new database is searched for: the columns that have a mask, of json each path; and where it may be found all the same.
 * No columns: there is nothing to search for. `rules`: by quoted name.
 */
export function scannedColumns(
  tables: readonly Pick<Table, 'table'>[],
  rules: ReadonlyMap<string, TableRule>,
): { readonly columns: readonly ScannedColumn[]; readonly except: readonly ColumnName[] } {
  const ruled = tables.flatMap(({ table }) => {
    const rule = rules.get(quoteTable(table));
    return rule ? [{ table, rule }] : [];
  });
  return {
    columns: ruled.flatMap(({ table, rule }) =>
      Object.entries(rule.columns).flatMap(([column, one]) =>
        one.kind === 'mask' ? kindsOf(one.mask).map((kind) => ({ table, column, ...kind })) : [],
      ),
    ),
    except: ruled.flatMap(({ table, rule }) => rule.allow.map((column) => ({ table, column }))),
  };
}

function kindsOf(mask: Mask): readonly Pick<ScannedColumn, 'mask' | 'path'>[] {
  if (typeof mask === 'string' || !('json' in mask)) return [{ mask: maskKind(mask) }];
  return Object.entries(mask.json).map(([path, inner]) => ({ mask: maskKind(inner), path }));
}
