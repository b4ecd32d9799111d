import type { TableName } from './names.ts';

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

/** Splits a plain dump by pg_dump's own headings, and leaves out what is about the dumping session itself. */
export function parseDump(dump: string): SchemaDump {
  const entries: SchemaEntry[] = [];
  const lines = dump.split('\n');
  let open: { type: string; name: string; schema: string; lines: string[] } | undefined;
  const close = () => {
    if (open)
      entries.push({ type: open.type, name: open.name, schema: open.schema, sql: open.lines.join('\n').trim() });
  };
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    // A heading stands between two lines of `--`. The same three lines inside a function's body would be a comment
    // there; pg_dump's own always come after a statement's end and an empty line.
    const found = line === '--' && lines[index + 2] === '--' ? heading.exec(lines[index + 1] ?? '') : undefined;
    if (found && quotesClosed(open?.lines)) {
      close();
      open = {
        name: found[1] ?? '',
        type: found[2] ?? '',
        schema: found[3] === '-' ? '' : (found[3] ?? ''),
        lines: [],
      };
      index += 2;
    } else if (line === '-- PostgreSQL database dump complete' && quotesClosed(open?.lines)) {
      open?.lines.pop(); // the `--` above it
      break;
    } else open?.lines.push(line);
  }
  close();
  const boundary = entries.findIndex((entry) => afterRows.has(entry.type));
  const cut = boundary === -1 ? entries.length : boundary;
  return { before: entries.slice(0, cut), after: entries.slice(cut) };
}

/** The statement ended before this heading: a heading inside a quoted body does not follow a `;`. */
function quotesClosed(lines: readonly string[] | undefined): boolean {
  if (!lines) return true;
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

const sqlName = '(?:"(?:[^"]|"")+"|[\\w$\\u0080-\\uffff]+)';
const ownTable: Readonly<Record<string, RegExp>> = {
  CONSTRAINT: new RegExp(`^ALTER TABLE (?:ONLY )?(${sqlName})\\.(${sqlName})`),
  INDEX: new RegExp(`^CREATE (?:UNIQUE )?INDEX ${sqlName} ON (?:ONLY )?(${sqlName})\\.(${sqlName})`),
};

/** The table that an index or constraint entry belongs to; undefined for anything else. */
export function tableOf(entry: SchemaEntry): TableName | undefined {
  const found = ownTable[entry.type]?.exec(entry.sql);
  return found ? { schema: unquote(found[1] ?? ''), name: unquote(found[2] ?? '') } : undefined;
}

function unquote(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}
