import type { MigrationTool } from './version-table.ts';

// How each tool's migrations are known, in tables and in files, and which of two comes first.

/** What is the same for two ways of writing the same migration. */
export function migrationKey(tool: MigrationTool, id: string): string {
  switch (tool) {
    case 'Rails':
    case 'dbmate':
    case 'Rails or dbmate':
    case 'golang-migrate':
    case 'Drizzle':
      return /^\d+$/.test(id) ? BigInt(id).toString() : id;
    case 'Flyway':
      return /^\d/.test(id) ? flywayVersion(id).join('.') : id;
    case 'Knex':
    case 'Sequelize':
    case 'node-pg-migrate':
      return id.replace(/\.(?:[cm]?[jt]s|sql)$/, '');
    case 'Liquibase':
      return id.replace(/^(?:classpath:)?(?:\.?\/)*/, '');
    case 'Alembic':
    case 'Django':
    case 'Entity Framework':
    case 'Prisma':
    case 'TypeORM':
      return id;
  }
}

/** Whether both ids are of one migration; Liquibase knows a changelog by a path from wherever it was called. */
export function isSameMigration(tool: MigrationTool, one: string, other: string): boolean {
  const [a, b] = [migrationKey(tool, one), migrationKey(tool, other)];
  return a === b || (tool === 'Liquibase' && (a.endsWith(`/${b}`) || b.endsWith(`/${a}`)));
}

/** Whether both names may stand for the same tool. */
export function isSameTool(one: MigrationTool, other: MigrationTool): boolean {
  const either: readonly MigrationTool[] = ['Rails', 'dbmate'];
  return (
    one === other ||
    (one === 'Rails or dbmate' && either.includes(other)) ||
    (other === 'Rails or dbmate' && either.includes(one))
  );
}

/** Whether an id by itself says which of two comes first: it does not where each names those before it, or a file does. */
export function isOrdered(tool: MigrationTool): boolean {
  return tool !== 'Alembic' && tool !== 'Django' && tool !== 'Liquibase';
}

/** The order in which the tool applies migrations of a new database, by their ids. */
export function compareIds(tool: MigrationTool, one: string, other: string): number {
  switch (tool) {
    case 'Rails':
    case 'dbmate':
    case 'Rails or dbmate':
    case 'golang-migrate':
    case 'Drizzle':
      return compareNumbers(one, other);
    case 'Flyway':
      return compareVersions(one, other);
    case 'TypeORM':
      return compareNumbers(lastNumber(one), lastNumber(other));
    case 'Alembic':
    case 'Django':
    case 'Entity Framework':
    case 'Knex':
    case 'Liquibase':
    case 'node-pg-migrate':
    case 'Prisma':
    case 'Sequelize':
      return compareTexts(one, other);
  }
}

/** By code units, as the tools do: no locale's order. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function compareNumbers(one: string, other: string): number {
  const isNumber = (text: string) => /^\d+$/.test(text);
  if (!isNumber(one) || !isNumber(other)) return compareTexts(one, other);
  const [a, b] = [BigInt(one), BigInt(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function lastNumber(text: string): string {
  return /\d+$/.exec(text)?.[0] ?? text;
}

/** 1_02.0 as 1, 2: without what makes no difference. */
function flywayVersion(id: string): string[] {
  const parts = id.split(/[._]/).map((part) => part.replace(/^0+(?=.)/, ''));
  while (parts.length > 1 && parts.at(-1) === '0') parts.pop();
  return parts;
}

/** Part by part; what has no version is applied last. */
function compareVersions(one: string, other: string): number {
  const isVersion = (text: string) => /^\d/.test(text);
  if (!isVersion(one) || !isVersion(other))
    return Number(isVersion(other)) - Number(isVersion(one)) || compareTexts(one, other);
  const [a, b] = [flywayVersion(one), flywayVersion(other)];
  for (let part = 0; part < Math.max(a.length, b.length); part += 1) {
    const order = compareNumbers(a[part] ?? '0', b[part] ?? '0');
    if (order !== 0) return order;
  }
  return 0;
}
