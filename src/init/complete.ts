import { appClient } from '../app/client.ts';
import { readVersion, usualPlace } from '../app/version.ts';
import type { Account } from '../aws/account.ts';
import { isOfAws } from '../config-end.ts';
import { loadConfig, type Config } from '../config.ts';
import { addressOf } from '../address.ts';
import type { ConnectOptions } from '../connect.ts';
import { failureOf, RestageError } from '../errors.ts';
import { quoteTable } from '../postgres/names.ts';
import type { ReadSession } from '../postgres/session.ts';
import { configText } from './config-text.ts';
import type { Draft, DraftEnd } from './draft.ts';
import type { ProposedRules, SeenTables } from './propose-rules.ts';

export interface CompleteOptions extends ConnectOptions {
  /** What `${VAR}` and passwordEnv are read from. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export interface Completed {
  readonly draft: Draft;
  /** What could not be found out, and why. */
  readonly notes: readonly string[];
}

/**
 * Adds to a draft what both ends tell of themselves: account ids, regions, environments, and what the source's tables look
 * like by their names. What an end does not tell is left out and noted; nothing is written anywhere.
 * Throws `profile-missing`, `interrupted`; `config-invalid` for a draft that is no configuration.
 */
export async function completeDraft(draft: Draft, options: CompleteOptions): Promise<Completed> {
  const notes: string[] = [];
  const note = (what: string, error: unknown) => {
    const { code, message } = failureOf(error);
    if (code === 'profile-missing' || code === 'interrupted' || options.signal?.aborted) throw error;
    notes.push(`${what}: ${message}`);
  };
  const [source, target] = await Promise.all([
    completeEnd(draft.source, options, note),
    completeEnd(draft.target, options, note),
  ]);
  const known: Draft = {
    source: source.end,
    target: { ...target.end, ...(draft.target.function === undefined ? {} : { function: draft.target.function }) },
  };
  const config = readDraft(known, options);
  const tables = config && (await rulesFor(config, { source: source.account, target: target.account }, options, note));
  return { draft: tables ? { ...known, tables } : known, notes };
}

type Note = (what: string, error: unknown) => void;

async function completeEnd(
  end: DraftEnd,
  { profileFiles, signal }: ConnectOptions,
  note: Note,
): Promise<{ readonly end: DraftEnd; readonly account: Account | undefined }> {
  const { aws, app, name } = end;
  let account: Account | undefined;
  let environment: string | undefined;
  if (aws)
    try {
      account = await (await import('../aws/account.ts')).openAccount(aws, profileFiles, signal);
    } catch (error) {
      note(`the account of ${name} is not in the file`, error);
    }
  if (app)
    try {
      ({ environment } = await readVersion(appClient(app.url, {}), usualPlace, signal));
    } catch (error) {
      note(`the environment of ${name}'s application is not in the file`, error);
    }
  return {
    account,
    end: {
      ...end,
      aws: aws && {
        profile: aws.profile,
        region: account?.region ?? aws.region,
        account: account?.id,
        ...ofPlace(aws),
      },
      app: app && { ...app, environment },
    },
  };
}

function ofPlace({ endpoints }: NonNullable<DraftEnd['aws']>): Pick<NonNullable<DraftEnd['aws']>, 'endpoints'> {
  return endpoints === undefined ? {} : { endpoints };
}

/**
 * The draft as a configuration; undefined where a variable that it names is not set. Throws `config-invalid` for what the
 * file would be refused for.
 */
function readDraft(draft: Draft, { variables }: CompleteOptions): Config | undefined {
  const text = configText(draft);
  // A variable that is to be exported later is no fault of the draft.
  const all = new Proxy(variables, { get: (known, name: string) => known[name] ?? 'postgres://u:p@host/database' });
  const config = loadConfig(text, { file: 'the file to be written', variables: all });
  const names = [config.source.database, config.target.database].flatMap((database) => database?.passwordEnv ?? []);
  const urls = [draft.source.database?.url, draft.target.database?.url].flatMap((url) => url?.slice(2, -1) ?? []);
  return [...names, ...urls].every((name) => variables[name] !== undefined) ? config : undefined;
}

interface Accounts {
  readonly source: Account | undefined;
  readonly target: Account | undefined;
}

/** Rules for what the source's tables look like; undefined where it has no database, or none that can be reached. */
async function rulesFor(
  config: Config,
  accounts: Accounts,
  { signal }: ConnectOptions,
  note: Note,
): Promise<ProposedRules | undefined> {
  const { name } = config.source;
  const read = <T>(side: 'source' | 'target', work: (session: ReadSession) => Promise<T>) =>
    readEnd(config, side, accounts[side], signal, work);
  // What keeps the target from being looked at is told by the check.
  const theirs = read('target', lookAtTarget).catch(() => undefined);
  try {
    const ours = await read('source', lookAtSource);
    const { proposeRules } = await import('./propose-rules.ts');
    return ours && proposeRules({ ...ours, target: await theirs });
  } catch (error) {
    note(`the tables of ${name} were not looked at`, error);
    return undefined;
  } finally {
    await theirs;
  }
}

/** Looks into a database, in one transaction that can only read; undefined where the end has none. */
async function readEnd<T>(
  config: Config,
  side: 'source' | 'target',
  account: Account | undefined,
  signal: AbortSignal | undefined,
  work: (session: ReadSession) => Promise<T>,
): Promise<T | undefined> {
  const { database, name } = config[side];
  if (!database) return undefined;
  if (isOfAws(database) && !account)
    throw new RestageError('credentials-failed', 'the way to them leads through the account');
  const [address, { openSession }] = await Promise.all([
    addressOf(database, name, account, config.passwords, signal),
    import('../postgres/session.ts'),
  ]);
  await using session = await openSession(address, { access: 'read-only', label: 'init', signal });
  await session.execute('begin transaction isolation level repeatable read, read only');
  return await work(session);
}

async function lookAtSource(session: ReadSession): Promise<Omit<SeenTables, 'target'>> {
  const [
    { readTables },
    { readUnreadable },
    { readForeignKeys },
    { readUniqueColumns },
    { findUnmasked },
    { findBound },
  ] = await Promise.all([
    import('../postgres/catalog.ts'),
    import('../postgres/readable.ts'),
    import('../postgres/references.ts'),
    import('../postgres/rules/unique-columns.ts'),
    import('../postgres/rules/unmasked.ts'),
    import('../postgres/rules/telling-names.ts'),
  ]);
  const tables = await readTables(session);
  const closed = new Set((await readUnreadable(session, [])).map(quoteTable));
  const open = tables.filter(({ table }) => !closed.has(quoteTable(table)));
  return {
    tables,
    foreignKeys: await readForeignKeys(session),
    unique: await readUniqueColumns(session),
    personal: await findUnmasked(session, open, new Map()),
    bound: findBound(tables),
  };
}

async function lookAtTarget(session: ReadSession): Promise<SeenTables['target']> {
  const { readTables } = await import('../postgres/catalog.ts');
  return new Map((await readTables(session)).map((table) => [quoteTable(table.table), table]));
}
