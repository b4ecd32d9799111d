import { crc32 } from 'node:zlib';
import { rowsOf, type Table } from './catalog.ts';
import { readCopy, relayCopy, type Relayed } from './copy-relay.ts';
import type { Digest } from './digest.ts';
import { quoteName, quoteTable } from './names.ts';
import { readByRule, requireOneSelect, ruleError, userSearchPath } from './rules/rule-reading.ts';
import type { ReadSession, Session } from './session.ts';
import { changesRows, conditionOf, copiedColumns, hasUserSql, selectRows } from './rules/table-rows.ts';
import type { TableRule } from './rules/table-rule.ts';

export interface CopyOptions {
  /** SQL of ours: only these rows, beside others that come there at the same time. Absent: the whole table. */
  readonly condition?: string | undefined;
  /** What becomes of the rows on the way; absent: nothing. */
  readonly rule?: TableRule | undefined;
  /** Of what the source sends. */
  readonly checksum?: Checksum | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A CRC-32 of all bytes, in the order they come: what PostgreSQL's own log and S3 trust in, at a fraction of a copy's cost. */
export class Checksum {
  #value = 0;

  update(rows: Buffer): void {
    this.#value = crc32(rows, this.#value);
  }

  /** As a digest has it. */
  get content(): string {
    return `crc32:${this.#value.toString(16).padStart(8, '0')}`;
  }
}

/** From here on rows are written frozen. */
const frozenBytes = 1024 * 1024;

/** Copies a table's rows, in the snapshot that the reader sees. Throws `rule-unfit` besides what `relayCopy` throws. */
export async function copyRows(
  reader: ReadSession,
  writer: Session,
  from: Table,
  { condition, rule, ...relay }: CopyOptions,
): Promise<Relayed> {
  const { table, ofExtension, sizeBytes, wholeTree } = from;
  const { list, names, format } = formOf(from);
  const name = quoteTable(table);
  const ruled = changesRows(from, rule) ? rule : undefined;
  const some = conditionOf(from, undefined, condition) || (wholeTree ? '' : undefined);
  const rows = ruled
    ? `(${await provenSelect(reader, from, ruled, condition)}\n)`
    : some === undefined
      ? `${name}${names}`
      : `(select ${list} from ${rowsOf(from)}${some})`;
  // Rows that come in the transaction that emptied the table can be written frozen: no one has to visit them again. That
  // is for one session alone, and for a table that an extension has not filled already; and emptying costs new files,
  // which is more than a few rows are worth.
  const frozen = condition === undefined && ofExtension === undefined && !wholeTree && sizeBytes >= frozenBytes;
  const load = (more: string) => `copy ${name}${names} from stdin (format ${format}${more})`;
  const settings = ruled && hasUserSql(ruled) ? `${userSearchPath}; ` : '';
  try {
    // All in one message each: a round trip is a long time where there are thousands of tables.
    return await relayCopy(reader, writer, {
      read: `savepoint reading; ${settings}copy ${rows} to stdout (format ${format}); rollback to savepoint reading; release savepoint reading`,
      write: frozen ? `begin; truncate only ${name}; ${load(', freeze')}; commit` : load(''),
      ...relay,
    });
  } catch (error) {
    throw ruled ? ruleError(from, error) : error;
  }
}

/** The rows as their rule has them, in one statement for sure: what it is put into holds others. */
async function provenSelect(
  reader: ReadSession,
  table: Table,
  rule: TableRule,
  condition: string | undefined,
): Promise<string> {
  const select = selectRows(table, rule, condition);
  await readByRule(reader, rule, () => requireOneSelect(reader, table, select));
  return select;
}

/** The digest of what a table would send, as `copyRows` has it sent. */
export async function readBack(
  session: ReadSession,
  table: Table,
  { signal }: Pick<CopyOptions, 'signal'>,
): Promise<Digest> {
  const { names, format } = formOf(table);
  const checksum = new Checksum();
  const read = `copy ${quoteTable(table.table)}${names} to stdout (format ${format})`;
  const { rows } = await readCopy(session, { read, checksum, signal });
  return { rows, content: checksum.content };
}

/** Binary where both servers have every type built in, and it means the same to both. */
function formOf(table: Table): { readonly list: string; readonly names: string; readonly format: string } {
  const copied = copiedColumns(table);
  const list = copied.map(({ name }) => quoteName(name)).join(', ');
  return {
    list,
    names: list === '' ? '' : ` (${list})`,
    format: copied.length > 0 && copied.every(({ nature }) => nature !== 'text') ? 'binary' : 'text',
  };
}
