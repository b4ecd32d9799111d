import { readFile } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { RestageError } from '../errors.ts';
import { readTables, rowsOf, type Table } from '../postgres/catalog.ts';
import { unknownTables } from '../postgres/empty-tables.ts';
import { displayTable, isCalled, namedColumn, quoteTable, type TableName } from '../postgres/names.ts';
import { findKeyColumns } from '../postgres/rules/named-keys.ts';
import { readForeignKeys, type ForeignKey } from '../postgres/references.ts';
import type { Session } from '../postgres/session.ts';
import { sourceDatabase } from '../postgres/source.ts';
import { someOf } from '../postgres/some-of.ts';
import { matchesTable } from '../postgres/rules/table-pattern.ts';
import { maskKind, needsKey, type TableRule } from '../postgres/rules/table-rule.ts';
import { findUnmasked, type UnmaskedColumn } from '../postgres/rules/unmasked.ts';
import { counted } from '../report/format.ts';
import { resolveRules } from '../resolve-rules.ts';
import type { CheckedDatabases } from './both-databases.ts';
import type { CheckContext } from './context.ts';
import type { CheckedDatabase } from './database.ts';
import { after, begun, lookIn, within, type Finding, type Seen } from './finding.ts';

const look = lookIn('data');

/** Whether what the config says of the data means something: its names at the source, its SQL, its files. */
export function ruleRows({ source }: CheckedDatabases, context: CheckContext): Promise<Finding>[] {
  if (!source) return [];
  const { database, objects } = context.config;
  const tables = begun(source.ask((session) => readTables(session, database.skipExtensions)));
  const known = () => after(source.row, tables);
  return [
    ...Object.entries(database.tables).map(([name, rule]) =>
      look(`database.tables.${name}`, wordsOf(rule), async () => tableSeen(name, rule, await known(), source)),
    ),
    ...maskRows(database, source),
    ...subsetRows(database, known, source),
    ...database.afterLoad.map(({ file }, index) =>
      look(`database.afterLoad.${index}`, file ?? 'sql', async () => afterLoadSeen(file)),
    ),
    ...Object.entries(objects).flatMap(([bucket, { only, referencedBy }]) =>
      only === undefined
        ? []
        : [
            look(`objects.${bucket}.referencedBy`, referencedBy.join(', '), () =>
              source.ask(async (session) => {
                await findKeyColumns(session, referencedBy, `objects.${bucket}.referencedBy`);
                return 'columns that hold keys';
              }),
            ),
          ],
    ),
    ...(database.unmasked === 'allow'
      ? []
      : [look('database.unmasked', database.unmasked, () => unmaskedSeen(context, source))]),
  ];
}

type Rule = Config['database']['tables'][string];

/** Of more the file tells. */
const mostMasks = 6;

/** A rule in few words: keep where; email: email; phone: phone. */
function wordsOf({ rows, where, keep, onOrphan, set, mask, carry, rewrite, allow }: Rule): string {
  const masks = Object.entries(mask).map(([column, one]) => `${column}: ${maskKind(one)}`);
  const shown = masks.length > mostMasks ? mostMasks - 1 : masks.length;
  const words = [
    ...(rows === undefined ? [] : [rows]),
    ...(where === undefined ? [] : ['where']),
    ...(keep ? ['keep where'] : []),
    ...(onOrphan === undefined ? [] : [`onOrphan ${onOrphan}`]),
    ...masks.slice(0, shown),
    ...(masks.length > shown ? [`and ${counted(masks.length - shown, 'more mask')}`] : []),
    ...Object.keys(set).map((column) => `${column}: set`),
    ...(carry ? [`carry ${carry.columns.join(', ')}`] : []),
    ...(rewrite.length > 0 ? ['rewrite'] : []),
    ...(allow.length > 0 ? [`allow ${allow.join(', ')}`] : []),
  ];
  return words.join('; ');
}

async function tableSeen(name: string, rule: Rule, known: readonly Table[], source: CheckedDatabase): Promise<Seen> {
  const { problems } = resolveRules({ [name]: rule }, known);
  const [first] = problems;
  if (first)
    return {
      found: problems.map(({ message }) => message.replace(/^database\.tables[^:]*: /, '')).join('; '),
      verdict: 'wrong',
      fix: first.hint ?? `Correct it under database.tables.${name}, or leave it out.`,
    };
  const matched = known.filter(({ table, parents }) => [table, ...parents].some((one) => matchesTable(one, name)));
  if (rule.where !== undefined)
    for (const table of matched) await requireSql(source, table, rule.where, `${name}.where`);
  return matched.length === 1 && matched[0] && isCalled(matched[0].table, name)
    ? 'the source has it'
    : `${counted(matched.length, 'table')}: ${someOf(matched.map(({ table }) => displayTable(table)))}`;
}

/** Throws `statement-failed`, with the server's words, for a condition that it cannot read. No row is. */
async function requireSql(source: CheckedDatabase, table: Table, where: string, setting: string): Promise<void> {
  await source.ask(async (session) => {
    await session.execute('begin transaction read only; set local search_path = public');
    try {
      await session.rows(`explain select from ${rowsOf(table)} where (${where}\n)`);
    } catch (error) {
      if (!(error instanceof RestageError) || error.code !== 'statement-failed') throw error;
      throw new RestageError('rule-unfit', error.message, {
        cause: error,
        hint: `Correct the SQL of ${setting}: a condition over the columns of ${displayTable(table.table)}.`,
      });
    } finally {
      await session.execute('rollback').catch(() => {}); // of a session that is lost there is nothing to undo
    }
  });
}

/** The secret that masks choose by, never shown; and whether the source can compute with it. */
function maskRows({ masks: { key }, tables }: Config['database'], source: CheckedDatabase): Promise<Finding>[] {
  const isNeeded = Object.values(tables).some(({ mask }) => Object.values(mask).some(needsKey));
  if (!isNeeded || key === undefined) return []; // without it the config is refused
  return [
    look('database.masks.key', '', async () => keySeen(key)),
    look('source.database sha256', '', () =>
      source.ask(async (session: Session) => {
        await session.rows(`select sha256('')`);
        return 'masks can be computed there';
      }),
    ),
  ];
}

/** What a key looks like, without showing anything of it. */
function keySeen(key: string): Seen {
  if (key.length >= 24 && new Set(key).size >= 10) return 'there, and long enough';
  return {
    found:
      'it is there, and short or simple enough to be guessed: whoever guesses it finds out what stands behind the masks',
    verdict: 'note',
    fix: 'Make one, e.g. with: openssl rand -hex 32',
  };
}

function subsetRows(
  { subset }: Config['database'],
  known: () => Promise<readonly Table[]>,
  source: CheckedDatabase,
): Promise<Finding>[] {
  if (!subset) return [];
  return [
    ...Object.entries(subset.from).map(([name, where]) =>
      look(`database.subset.from.${name}`, where, async () => {
        const tables = await known();
        const matched = tables.filter(({ table, parents }) => [table, ...parents].some((one) => isCalled(one, name)));
        if (matched.length === 0) throw unknown(`database.subset.from`, name, tables);
        for (const table of matched) await requireSql(source, table, where, `database.subset.from.${name}`);
        return 'a table of the source, and a condition that it can be asked';
      }),
    ),
    ...subset.children.map((name, index) =>
      look(`database.subset.children.${index}`, name, async () => {
        const tables = await known();
        const matched = tables.filter(({ table, parents }) =>
          [table, ...parents].some((one) => matchesTable(one, name)),
        );
        if (matched.length === 0) throw unknown('database.subset.children', name, tables);
        return counted(matched.length, 'table');
      }),
    ),
    ...subset.references.map(({ from, to }, index) =>
      look(`database.subset.references.${index}`, `${from} → ${to}`, async () => {
        const tables = await known();
        for (const name of [from, to]) requireColumn(`database.subset.references.${index}`, name, tables);
        return 'columns of the source';
      }),
    ),
  ];
}

function unknown(setting: string, name: string, tables: readonly Table[]): RestageError {
  return (
    unknownTables(setting, [name], tables) ??
    new RestageError('config-invalid', `${setting}: the source has no table ${name}`)
  );
}

function requireColumn(setting: string, name: string, tables: readonly Table[]): void {
  const { table, column } = namedColumn(name);
  const called = table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
  const found = tables.filter((one) =>
    [one.table, ...one.parents].some((each) => quoteTable(each) === quoteTable(table)),
  );
  if (found.length === 0) throw unknown(setting, called, tables);
  // The same words as for a rule's column, with what is near.
  const { problems } = resolveRules({ [called]: { ...noRule, allow: [column] } }, tables);
  if (problems[0])
    throw new RestageError('config-invalid', problems[0].message.replace(/^database\.tables[^:]*/, setting));
}

const noRule: Rule = { set: {}, mask: {}, rewrite: [], allow: [] };

async function afterLoadSeen(file: string | undefined): Promise<Seen> {
  if (file === undefined) return 'statements of the file itself';
  try {
    const text = await readFile(file, 'utf8');
    if (text.trim() !== '') return 'it is there';
    return { found: 'the file is empty', verdict: 'wrong', fix: 'Write statements into it, or leave the entry out.' };
  } catch (error) {
    return {
      found: `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      verdict: 'wrong',
      fix: "Files of afterLoad are looked for from the config's own folder.",
    };
  }
}

/** A sample of what every table holds may take longer than any other look. */
const samplingMs = 20_000;

async function unmaskedSeen({ config, signal }: CheckContext, source: CheckedDatabase): Promise<Seen> {
  const { origin } = await after(source.row, source.session);
  const address = await source.address;
  const { tables, unmasked, skipExtensions } = config.database;
  const found = await within(
    `${origin.host}:${origin.port}`,
    signal,
    async (ended) => {
      await using moment = await sourceDatabase(address).snapshot({ label: 'check', signal: ended });
      const known = await readTables(moment.session, skipExtensions);
      const { byTable, skip } = resolveRules(tables, known);
      const skipped = new Set(skip.map(quoteTable));
      const made = known.filter(({ table }) => !skipped.has(quoteTable(table)));
      const foreignKeys = await readForeignKeys(moment.session);
      return withoutReferring(await findUnmasked(moment.session, made, byTable), foreignKeys, byTable);
    },
    samplingMs,
  );
  if (found.length === 0) return 'every column that looks personal has a rule';
  const told = found.map(({ table, column, reason }) => `${displayTable(table)}.${column} (${reason})`);
  return {
    found: `${counted(found.length, 'column')} without a rule ${found.length === 1 ? 'looks' : 'look'} personal: ${someOf(told)}`,
    verdict: unmasked === 'refuse' ? 'wrong' : 'note',
    fix: 'Give each a mask under database.tables, or name it in allow there to copy it as it is.',
  };
}

/** A column that refers to a masked one gets its mask by itself, and so on down. */
function withoutReferring(
  found: readonly UnmaskedColumn[],
  foreignKeys: readonly ForeignKey[],
  rules: ReadonlyMap<string, TableRule>,
): readonly UnmaskedColumn[] {
  const nameOf = (table: TableName, column: string) => `${quoteTable(table)}.${column}`;
  const masked = new Set(
    [...rules].flatMap(([table, { columns }]) =>
      Object.entries(columns).flatMap(([column, { kind }]) => (kind === 'mask' ? [`${table}.${column}`] : [])),
    ),
  );
  const pairs = foreignKeys.flatMap(({ table, columns, parent, parentColumns }) =>
    columns.map((column, index) => [nameOf(table, column), nameOf(parent, parentColumns[index] ?? '')] as const),
  );
  for (let before = -1; masked.size !== before;) {
    before = masked.size;
    for (const [child, parent] of pairs) if (masked.has(parent)) masked.add(child);
  }
  return found.filter(({ table, column }) => !masked.has(nameOf(table, column)));
}
