import { compareTexts, migrationKey } from './migration-id.ts';
import type { AppliedMigration } from './version-table.ts';

/** A row as the server's text. */
export type Cells = Readonly<Record<string, string | null>>;

export function cell(row: Cells, column: string): string {
  return row[column] ?? '';
}

/** A timestamp of the server in ISO 8601; nothing for infinity, and for years that it does not know. */
export function instantOf(text: string | null | undefined): Pick<AppliedMigration, 'appliedAt'> {
  const found = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?)(\+00)?)?$/.exec(text ?? '');
  if (!found) return {};
  const [, day = '', time, zone] = found;
  return { appliedAt: time === undefined ? day : `${day}T${time}${zone === undefined ? '' : 'Z'}` };
}

/** What Flyway's history comes to: what was undone or struck out is not applied. Rows oldest first. */
export function appliedOfFlyway(rows: readonly Cells[]): AppliedMigration[] {
  const applied = new Map<string, AppliedMigration>();
  for (const row of rows) {
    const type = cell(row, 'type');
    const id = row['version'] ?? scriptName(cell(row, 'script'));
    const key = migrationKey('Flyway', id);
    const isGood = row['success'] === 'true';
    if (type === 'SCHEMA') continue; // it made the schema
    if (type === 'DELETE' || (type.startsWith('UNDO') && isGood)) {
      applied.delete(key);
      continue;
    }
    applied.delete(key); // the last word counts, in its place
    applied.set(key, {
      id,
      description: cell(row, 'description'),
      ...instantOf(row['installed_on']),
      ...(isGood ? {} : { failed: true as const }),
      ...(type === 'BASELINE' ? { baseline: true as const } : {}),
    });
  }
  return [...applied.values()];
}

/** R__Refresh_views.sql as R__Refresh_views: what is applied again whenever it changes has no version. */
function scriptName(script: string): string {
  return script.replace(/^.*[/\\]/, '').replace(/\.\w+$/, '');
}

/** What Prisma's table comes to: an attempt that was rolled back says nothing, and the last one counts. */
export function appliedOfPrisma(rows: readonly Cells[]): AppliedMigration[] {
  const applied = new Map<string, AppliedMigration>();
  for (const row of rows.toSorted((a, b) => compareTexts(cell(a, 'started_at'), cell(b, 'started_at')))) {
    if (row['rolled_back_at'] !== null) continue;
    const id = cell(row, 'migration_name');
    applied.set(id, {
      id,
      ...instantOf(row['finished_at']),
      ...(row['finished_at'] === null ? { failed: true as const } : {}),
    });
  }
  return [...applied.values()].toSorted((a, b) => compareTexts(a.id, b.id));
}
