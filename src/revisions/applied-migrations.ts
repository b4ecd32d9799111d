import { compareIds, migrationKey } from '../postgres/version-tables/migration-id.ts';
import type { AppliedMigration, MigrationTool, VersionTable } from '../postgres/version-tables.ts';
import { dateOfId } from './id-date.ts';
import type { Migration } from './planned-migrations.ts';
import { described } from './revision-files.ts';

/** Whether a database has been through a migration, by its history: what is older than the history's beginning, too. */
export function throughOf(tool: MigrationTool, table: VersionTable | undefined): (id: string) => boolean {
  const applied = table?.applied.filter(({ failed }) => !failed) ?? [];
  const keys = new Set(applied.map(({ id }) => migrationKey(tool, id)));
  const baselines = applied.filter(({ baseline }) => baseline);
  return (id) =>
    keys.has(migrationKey(tool, id)) ||
    baselines.some((baseline) => /^\d/.test(id) && compareIds(tool, id, baseline.id) <= 0);
}

/** Whose ids are names with words in them. */
const named: readonly MigrationTool[] = [
  'Django',
  'Entity Framework',
  'Knex',
  'node-pg-migrate',
  'Prisma',
  'Sequelize',
  'TypeORM',
];

/** As a history tells of it; the name says what the table does not. */
export function migrationOf(tool: MigrationTool, { id, app, description, appliedAt }: AppliedMigration): Migration {
  const made = dateOfId(id).date ?? appliedAt;
  const name = app === undefined ? id : id.slice(app.length + 1);
  const words = name.replace(/\.\w+$/, '').replace(tool === 'TypeORM' ? /\d+$/ : /^[\d_-]+/, '');
  const told = named.includes(tool) ? described(words) : {};
  return {
    id,
    ...(description === undefined ? told : { description }),
    ...(made === undefined ? {} : { date: made }),
  };
}
