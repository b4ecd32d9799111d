import type { TableName } from '../names.ts';

export type MigrationTool =
  | 'Alembic'
  | 'dbmate'
  | 'Django'
  | 'Drizzle'
  | 'Entity Framework'
  | 'Flyway'
  | 'golang-migrate'
  | 'Knex'
  | 'Liquibase'
  | 'node-pg-migrate'
  | 'Prisma'
  | 'Rails'
  /** Both make the same table, and nothing else there says which of them it was. */
  | 'Rails or dbmate'
  | 'Sequelize'
  | 'TypeORM';

/** What a table says of the migrations that its database has been through. */
export interface VersionTable {
  readonly tool: MigrationTool;
  readonly table: TableName;
  /** What stands last: more than one where branches were not merged, or parts of a project count for themselves. Empty: nothing was applied yet. */
  readonly heads: readonly string[];
  /** Oldest first; empty where the table holds its heads only. */
  readonly applied: readonly AppliedMigration[];
}

export interface AppliedMigration {
  readonly id: string;
  /** The part of a project it belongs to, as Django has them. */
  readonly app?: string;
  readonly description?: string;
  /** ISO 8601. */
  readonly appliedAt?: string;
  /** It was begun and did not end well. */
  readonly failed?: true;
  /** The history begins with it: whatever is older counts as applied. */
  readonly baseline?: true;
}
