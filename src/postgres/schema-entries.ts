import { createHash } from 'node:crypto';
import { printedName, unquote, type TableName } from './names.ts';

/** One object of a dump: what pg_dump's comment says it is, and the SQL that makes it. */
export interface SchemaEntry {
  /** E.g. TABLE, INDEX, FK CONSTRAINT, COMMENT. */
  readonly type: string;
  /** E.g. `books`, `books books_pkey` for a constraint, `TABLE books` for a comment. */
  readonly name: string;
  readonly schema: string;
  readonly sql: string;
}

/** A dump in the order it must be restored: before the rows, after the rows. */
export interface SchemaDump {
  readonly before: readonly SchemaEntry[];
  readonly after: readonly SchemaEntry[];
}

// pg_dump sorts everything that must wait for the rows behind everything that must not: the first of these types is
// where the second part starts. SEQUENCE SET and the rows themselves are not in a schema-only dump.
const afterRows: ReadonlySet<string> = new Set([
  'CONSTRAINT',
  'CHECK CONSTRAINT',
  'FK CONSTRAINT',
  'INDEX',
  'INDEX ATTACH',
  'STATISTICS',
  'TRIGGER',
  'EVENT TRIGGER',
  'RULE',
  'POLICY',
  'ROW SECURITY',
  'MATERIALIZED VIEW DATA',
  'DEFAULT ACL',
]);

const heading = /^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: .*$/;

interface OpenEntry extends Omit<SchemaEntry, 'sql'> {
  readonly lines: string[];
}

/** Splits a plain dump by pg_dump's own headings, and leaves out what is about the dumping session itself. */
export function parseDump(dump: string): SchemaDump {
  const found: OpenEntry[] = [];
  const lines = dump.split('\n');
  let open: OpenEntry | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    // A heading stands between two lines of `--`. The same three lines inside a function's body would be a comment
    // there; pg_dump's own always come after a statement's end and an empty line.
    const head = line === '--' && lines[index + 2] === '--' ? heading.exec(lines[index + 1] ?? '') : undefined;
    if (head && quotesClosed(open?.lines)) {
      const [, name = '', type = '', schema = ''] = head;
      open = { name, type, schema: schema === '-' ? '' : schema, lines: [] };
      found.push(open);
      index += 2;
    } else if (line === '-- PostgreSQL database dump complete' && quotesClosed(open?.lines)) {
      open?.lines.pop(); // the `--` above it
      break;
    } else open?.lines.push(line);
  }
  const entries = eachByItself(found);
  const boundary = entries.findIndex((entry) => afterRows.has(entry.type));
  const cut = boundary === -1 ? entries.length : boundary;
  return { before: entries.slice(0, cut), after: entries.slice(cut) };
}

const setting = /^SET default_(?:tablespace|table_access_method) = (.*);$/;
const heap = 'SET default_table_access_method = heap;';

/**
 * pg_dump sets a table's access method between two objects, and only where it changes. Here each entry sets its own, so
 * that it can be made in any session. What holds a remark only, as the schema public may, is left out.
 */
function eachByItself(found: readonly OpenEntry[]): SchemaEntry[] {
  let method = heap;
  return found.flatMap(({ lines, ...entry }) => {
    const own = method;
    const end = lines.findLastIndex((line) => line !== '' && !setting.test(line)) + 1;
    method = lines.slice(end).findLast((line) => line.startsWith('SET default_table_access_method')) ?? method;
    if (lines.every(isRemark)) return [];
    const sql = lines.slice(0, end).join('\n').trim();
    const chosen = own !== heap && (entry.type === 'TABLE' || entry.type === 'MATERIALIZED VIEW');
    return { ...entry, sql: chosen ? `${own}\n${sql}\n${heap}` : sql };
  });
}

function isRemark(line: string): boolean {
  return line === '' || line.startsWith('--') || setting.test(line);
}

/** The statement ended before this heading: a heading inside a quoted body does not follow a `;`. */
function quotesClosed(lines: readonly string[] | undefined): boolean {
  if (!lines || lines.every(isRemark)) return true;
  const last = lines.findLast((line) => line.trim() !== '' && line !== '--');
  if (last === undefined || !last.trimEnd().endsWith(';')) return last === undefined;
  return !openQuote(lines.join('\n'));
}

/** Whether the text ends inside '…', "…", $tag$…$tag$ or a block comment. */
function openQuote(sql: string): boolean {
  const token = /'|"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|--[^\n]*|\/\*/g;
  for (let start = token.exec(sql); start; start = token.exec(sql)) {
    const mark = start[0];
    if (mark.startsWith('--')) continue;
    // E'…' may hold a backslash before a quote; pg_dump doubles quotes elsewhere, and two strings side by side read alike.
    const escaped = mark === "'" && /[eE]$/.test(sql.slice(Math.max(0, start.index - 1), start.index));
    const end = escaped ? endOfEscaped(sql, token.lastIndex) : endOf(sql, mark === '/*' ? '*/' : mark, token.lastIndex);
    if (end === -1) return true;
    token.lastIndex = end;
  }
  return false;
}

function endOf(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  return at === -1 ? -1 : at + mark.length;
}

function endOfEscaped(sql: string, from: number): number {
  const close = /\\.|'/gs;
  close.lastIndex = from;
  for (let found = close.exec(sql); found; found = close.exec(sql)) if (found[0] === "'") return close.lastIndex;
  return -1;
}

const ownTable: Readonly<Record<string, RegExp>> = {
  STATISTICS: new RegExp(`^CREATE STATISTICS [^]* FROM (${printedName})\\.(${printedName});`),
  'MATERIALIZED VIEW': new RegExp(`^(?:SET [^;]*;\\n)?CREATE MATERIALIZED VIEW (${printedName})\\.(${printedName})`),
  CONSTRAINT: new RegExp(`^ALTER TABLE (?:ONLY )?(${printedName})\\.(${printedName})`),
  INDEX: new RegExp(`^CREATE (?:UNIQUE )?INDEX ${printedName} ON (?:ONLY )?(${printedName})\\.(${printedName})`),
};

/**
 * The table that an entry of an index, constraint or extended statistics belongs to, a materialized view's own name; undefined for anything else.
 * In the heading a name's newlines are blanks.
 */
export function tableOf(entry: SchemaEntry): TableName | undefined {
  const found = ownTable[entry.type]?.exec(entry.sql);
  return found ? { schema: unquote(found[1] ?? ''), name: unquote(found[2] ?? '') } : undefined;
}

const constraint = new RegExp(
  `^ALTER TABLE (?:ONLY )?(${printedName})\\.(${printedName})\\s+ADD CONSTRAINT (${printedName}) `,
);

/** The table and the name of a constraint entry; undefined for anything else. */
export function constraintOf(entry: SchemaEntry): { readonly table: TableName; readonly name: string } | undefined {
  const [, schema, table, name] = constraint.exec(entry.sql) ?? [];
  if (schema === undefined || table === undefined || name === undefined) return undefined;
  return { table: { schema: unquote(schema), name: unquote(table) }, name: unquote(name) };
}

const made: Readonly<Record<string, RegExp>> = {
  INDEX: new RegExp(`^CREATE (?:UNIQUE )?INDEX (${printedName}) ON `),
  STATISTICS: new RegExp(`^CREATE STATISTICS ${printedName}\\.(${printedName})`),
};

/** What of a table an entry makes, by its name in its schema: one of those that `tableOf` knows a table of. */
export interface Made {
  readonly kind: 'constraint' | 'index' | 'statistics';
  readonly schema: string;
  readonly name: string;
}

export function madeBy(entry: SchemaEntry): Made | undefined {
  const { type, schema, sql } = entry;
  if (type === 'CONSTRAINT') {
    const name = constraintOf(entry)?.name;
    return name === undefined ? undefined : { kind: 'constraint', schema, name };
  }
  const name = made[type]?.exec(sql)?.[1];
  if (name === undefined) return undefined;
  return { kind: type === 'INDEX' ? 'index' : 'statistics', schema, name: unquote(name) };
}

/** A print of all that a dump makes: the same for the same, in any order. */
export function printOfDump({ before, after }: SchemaDump): string {
  const entries = [...before, ...after].map(({ type, schema, name, sql }) => JSON.stringify([type, schema, name, sql]));
  return createHash('sha256').update(entries.toSorted().join('\n')).digest('base64url').slice(0, 22);
}

/** A publication, what it publishes, or the comment on one. */
export function isOfPublication({ type, name }: SchemaEntry): boolean {
  return type.startsWith('PUBLICATION') || (type === 'COMMENT' && name.startsWith('PUBLICATION '));
}
