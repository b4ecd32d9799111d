/** A table, or anything else that lives in a schema. Both parts exactly as in the catalog. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** A column of a table. */
export interface ColumnName {
  readonly table: TableName;
  readonly column: string;
}

/** The column that a config's table.column or schema.table.column means. */
export function namedColumn(name: string): ColumnName {
  const [column = '', table = '', schema = 'public'] = name.split('.').toReversed();
  return { table: { schema, name: table }, column };
}

/** A quoted SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A quoted SQL string. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** schema.name, both quoted. */
export function quoteTable(table: TableName): string {
  return `${quoteName(table.schema)}.${quoteName(table.name)}`;
}

/** As people read and write it: without the schema when that is public, quoted where it would be taken for another. */
export function displayTable(table: TableName): string {
  return table.schema === 'public'
    ? displayName(table.name)
    : `${displayName(table.schema)}.${displayName(table.name)}`;
}

/** A bare name, quoted where it would be taken for another. */
export function displayName(name: string): string {
  return /^[\w$\u0080-\uffff]+$/.test(name) ? name : quoteName(name);
}

/** Whether somebody who writes this name means that table: bare for public, else schema.table, as in the database. */
export function isCalled(table: TableName, name: string): boolean {
  return name === `${table.schema}.${table.name}` || (table.schema === 'public' && name === table.name);
}

/** The pattern of an identifier as the server and pg_dump print it: quoted only where it must be. */
export const printedName = String.raw`(?:"(?:[^"]|"")+"|[\w$\u0080-\uffff]+)`;

/** The name that is printed so. */
export function unquote(printed: string): string {
  return printed.startsWith('"') ? printed.slice(1, -1).replaceAll('""', '"') : printed;
}
