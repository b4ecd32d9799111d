import { appliedOfFlyway, appliedOfPrisma, cell, instantOf, type Cells } from './histories.ts';
import { compareIds } from './migration-id.ts';
import type { AppliedMigration, MigrationTool } from './version-table.ts';

/** A type's category in pg_type. */
type Category = 'S' | 'N' | 'B' | 'D';

/** How a tool's table is known, and what its rows say. */
export interface KnownTable {
  readonly tool: MigrationTool;
  readonly name: string;
  /** Those that are read, with the categories of their types. */
  readonly columns: Readonly<Record<string, Category>>;
  /** Its name is one that somebody's own table may bear: it has these columns and no other. */
  readonly alone?: true;
  /** Oldest first; undefined where these are not the rows of such a table. */
  readonly applied: (rows: readonly Cells[]) => readonly AppliedMigration[] | undefined;
  /** Default: the last one in the tool's order. */
  readonly heads?: (applied: readonly AppliedMigration[], rows: readonly Cells[]) => readonly string[];
}

/** By a table's name and columns: no two of them meet in one table. */
export const knownTables: readonly KnownTable[] = [
  {
    tool: 'Alembic',
    name: 'alembic_version',
    columns: { version_num: 'S' },
    applied: () => [],
    heads: (_applied, rows) => rows.map((row) => cell(row, 'version_num')).toSorted(),
  },
  {
    tool: 'Django',
    name: 'django_migrations',
    columns: { id: 'N', app: 'S', name: 'S', applied: 'D' },
    applied: (rows) =>
      byNumber(rows, 'id').map((row) => ({
        id: `${cell(row, 'app')}.${cell(row, 'name')}`,
        app: cell(row, 'app'),
        ...instantOf(row['applied']),
      })),
    // Each app has a last one; names are numbered.
    heads: (applied) =>
      [...Map.groupBy(applied, ({ app }) => app).values()].flatMap((ofApp) => lastOf('Django', ofApp)).toSorted(),
  },
  {
    tool: 'Rails or dbmate', // which of both is told by what stands beside it
    name: 'schema_migrations',
    columns: { version: 'S' },
    alone: true,
    applied: (rows) =>
      rows.every((row) => /^\d+$/.test(cell(row, 'version')))
        ? inOrder(
            'Rails',
            rows.map((row) => ({ id: cell(row, 'version') })),
          )
        : undefined,
  },
  {
    tool: 'golang-migrate',
    name: 'schema_migrations',
    columns: { version: 'N', dirty: 'B' },
    alone: true,
    applied: (rows) =>
      rows.length > 1
        ? undefined
        : rows
            .filter(({ dirty }) => dirty === 'true')
            .map((row) => ({ id: cell(row, 'version'), failed: true as const })),
    heads: (_applied, rows) => rows.map((row) => cell(row, 'version')),
  },
  ...['flyway_schema_history', 'schema_version'].map((name): KnownTable => ({
    tool: 'Flyway',
    name,
    columns: {
      installed_rank: 'N',
      version: 'S',
      description: 'S',
      type: 'S',
      script: 'S',
      installed_on: 'D',
      success: 'B',
    },
    applied: (rows) => appliedOfFlyway(byNumber(rows, 'installed_rank')),
    heads: (applied) =>
      lastOf(
        'Flyway',
        applied.filter(({ id }) => /^\d/.test(id)),
      ),
  })),
  {
    tool: 'Liquibase',
    name: 'databasechangelog',
    columns: {
      id: 'S',
      author: 'S',
      filename: 'S',
      dateexecuted: 'D',
      orderexecuted: 'N',
      exectype: 'S',
      comments: 'S',
    },
    applied: (rows) =>
      byNumber(rows, 'orderexecuted').map((row) => ({
        id: [cell(row, 'filename'), cell(row, 'id'), cell(row, 'author')].join('::'),
        ...(cell(row, 'comments') === '' ? {} : { description: cell(row, 'comments') }),
        ...instantOf(row['dateexecuted']),
        ...(row['exectype'] === 'FAILED' ? { failed: true as const } : {}),
      })),
    heads: (applied) =>
      applied
        .filter(({ failed }) => !failed)
        .slice(-1)
        .map(({ id }) => id),
  },
  {
    tool: 'Prisma',
    name: '_prisma_migrations',
    columns: { migration_name: 'S', started_at: 'D', finished_at: 'D', rolled_back_at: 'D' },
    applied: (rows) => appliedOfPrisma(rows),
  },
  {
    tool: 'Drizzle',
    name: '__drizzle_migrations',
    columns: { id: 'N', hash: 'S', created_at: 'N' },
    // It keeps no name: what it goes by itself is when the file was made.
    applied: (rows) =>
      inOrder(
        'Drizzle',
        rows.flatMap(({ created_at: made }) => (made === null || made === undefined ? [] : [{ id: made }])),
      ),
  },
  {
    tool: 'Knex',
    name: 'knex_migrations',
    columns: { id: 'N', name: 'S', batch: 'N', migration_time: 'D' },
    applied: (rows) =>
      byNumber(rows, 'id').map((row) => ({ id: cell(row, 'name'), ...instantOf(row['migration_time']) })),
  },
  {
    tool: 'node-pg-migrate',
    name: 'pgmigrations',
    columns: { id: 'N', name: 'S', run_on: 'D' },
    applied: (rows) => byNumber(rows, 'id').map((row) => ({ id: cell(row, 'name'), ...instantOf(row['run_on']) })),
  },
  {
    tool: 'Sequelize',
    name: 'SequelizeMeta',
    columns: { name: 'S' },
    applied: (rows) =>
      inOrder(
        'Sequelize',
        rows.map((row) => ({ id: cell(row, 'name') })),
      ),
  },
  {
    tool: 'TypeORM',
    name: 'migrations',
    columns: { id: 'N', timestamp: 'N', name: 'S' },
    alone: true,
    // Each name ends with its time, which somebody's own table of that name and these columns would not have.
    applied: (rows) =>
      rows.length > 0 && rows.every((row) => cell(row, 'name').endsWith(cell(row, 'timestamp')))
        ? inOrder(
            'TypeORM',
            rows.map((row) => ({ id: cell(row, 'name') })),
          )
        : undefined,
  },
  ...[
    { name: '__EFMigrationsHistory', id: 'MigrationId', version: 'ProductVersion' },
    { name: '__EFMigrationsHistory', id: 'migration_id', version: 'product_version' }, // with a convention of names
    { name: '__ef_migrations_history', id: 'migration_id', version: 'product_version' },
  ].map(({ name, id, version }): KnownTable => ({
    tool: 'Entity Framework',
    name,
    columns: { [id]: 'S', [version]: 'S' },
    applied: (rows) =>
      inOrder(
        'Entity Framework',
        rows.map((row) => ({ id: cell(row, id) })),
      ),
  })),
];

/** What stands last in the tool's order, of what ended well; of two that count as one, the first. */
export function lastOf(tool: MigrationTool, applied: readonly AppliedMigration[]): string[] {
  const good = applied.filter(({ failed }) => !failed);
  const [first, ...others] = good.map(({ id }) => id);
  if (first === undefined) return [];
  return [others.reduce((last, id) => (compareIds(tool, id, last) > 0 ? id : last), first)];
}

function inOrder(tool: MigrationTool, applied: readonly AppliedMigration[]): AppliedMigration[] {
  return applied.toSorted((a, b) => compareIds(tool, a.id, b.id));
}

function byNumber(rows: readonly Cells[], column: string): readonly Cells[] {
  return rows.toSorted((a, b) => Number(a[column]) - Number(b[column]));
}
