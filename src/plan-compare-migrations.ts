import type { DatabaseFigures } from './plan-database.ts';
import { displayTable, quoteTable } from './postgres/names.ts';
import { someOf } from './postgres/some-of.ts';
import type { VersionTable } from './postgres/version-tables.ts';
import type { PlannedMigrations } from './revisions/planned-migrations.ts';

/** What a database has been through since: also what is not the last of its history. */
export function historyDifferences(side: string, then: DatabaseFigures, now: DatabaseFigures): string[] {
  const [before, after] = [byTable(then.versions), byTable(now.versions)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [old, fresh] = [before.get(name), after.get(name)];
    if (!old || !fresh) {
      const one = fresh ?? old;
      const has = fresh ? 'has' : 'has no more';
      return one ? [`the ${side}'s database ${has} the version table ${displayTable(one.table)} of ${one.tool}`] : [];
    }
    const stateOf = (table: VersionTable) =>
      new Map(table.applied.map(({ id, failed }) => [id, failed ? 'failed' : 'applied']));
    const [past, present] = [stateOf(old), stateOf(fresh)];
    const changed = [...new Set([...past.keys(), ...present.keys()])].filter((id) => past.get(id) !== present.get(id));
    return changed.length === 0
      ? []
      : [`${displayTable(fresh.table)} of the ${side} says otherwise than in the plan of ${someOf(changed, 5)}`];
  });
}

/** What brings the copy forward is other migrations now, as the files or the databases have it. */
export function migrationDifferences(
  then: readonly PlannedMigrations[] = [],
  now: readonly PlannedMigrations[] = [],
): string[] {
  return now.flatMap((fresh) => {
    const old = then.find(({ table, tool }) => quoteTable(table) === quoteTable(fresh.table) && tool === fresh.tool);
    if (!old) return [];
    const ids = ({ between }: PlannedMigrations) => between.map(({ id }) => id);
    const [past, present] = [ids(old), ids(fresh)];
    const come = present.filter((id) => !past.includes(id));
    const gone = past.filter((id) => !present.includes(id));
    const name = displayTable(fresh.table);
    return [
      ...(come.length > 0 ? [`${name}: migrations that were not planned: ${someOf(come, 5)}`] : []),
      ...(gone.length > 0 ? [`${name}: migrations that are not to come any more: ${someOf(gone, 5)}`] : []),
      ...(come.length + gone.length === 0 && old.relation !== fresh.relation
        ? [`${name}: how both stand is ${fresh.relation}; it was ${old.relation}`]
        : []),
    ];
  });
}

function byTable(tables: readonly VersionTable[] = []): ReadonlyMap<string, VersionTable> {
  return new Map(tables.map((one) => [quoteTable(one.table), one]));
}
