import { RestageError, type ErrorCode } from '../errors.ts';
import { textNotes } from '../plan-notes.ts';
import { requireUnmarked } from '../postgres/protected-marker.ts';
import { matchExtensions, readOfferedExtensions } from '../postgres/extensions.ts';
import { revisionOf } from '../postgres/version-tables.ts';
import { sourceAhead } from '../revisions/migration-notes.ts';
import { planMigrations, type MigrationsPlan } from '../revisions/plan-migrations.ts';
import type { PlannedMigrations } from '../revisions/planned-migrations.ts';
import { readRevisionFiles } from '../revisions/read-revision-files.ts';
import type { CheckContext, CheckedEnd } from './context.ts';
import { openDatabase, type CheckedDatabase } from './database.ts';
import { refuseWrongEnds } from '../wrong-ends.ts';
import { after, begun, lookIn, type Finding, type Seen } from './finding.ts';
import { loginRows } from './login-rows.ts';
import { sourceRows } from './source-rows.ts';
import { diskSeen, targetRows } from './target-rows.ts';

/** Both databases, as they are looked at. */
export interface CheckedDatabases extends AsyncDisposable {
  readonly source: CheckedDatabase | undefined;
  readonly target: CheckedDatabase | undefined;
  /** Rejects where both are one database, or the wrong way round; or cannot be asked. */
  readonly apart: Promise<void>;
  /** Rejects where the target bears the marker that it must not be replaced; or cannot be asked. */
  readonly unmarked: Promise<void>;
}

/** Begins to connect to both, and to compare what they say of themselves. */
export function openDatabases(
  ends: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  context: CheckContext,
): CheckedDatabases {
  const source = openDatabase(ends.source, context);
  const target = openDatabase(ends.target, context);
  return {
    source,
    target,
    apart: begun(source && target ? requireApart(source, target, context) : Promise.resolve()),
    unmarked: begun(
      target ? target.ask((session) => requireUnmarked(session, session.origin.database)) : Promise.resolve(),
    ),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([source?.[Symbol.asyncDispose](), target?.[Symbol.asyncDispose]()]);
    },
  };
}

async function requireApart(source: CheckedDatabase, target: CheckedDatabase, { config }: CheckContext): Promise<void> {
  refuseWrongEnds(
    {
      origin: (await after(source.row, source.session)).origin,
      identity: await source.facts.identity,
      description: await source.facts.description,
    },
    {
      origin: (await after(target.row, target.session)).origin,
      identity: await target.facts.identity,
      description: await target.facts.description,
      marked: undefined, // told in a row of its own
    },
    config.target.expect?.restoredFromSource,
  );
}

/** The rows of both databases, by themselves and beside each other, by end. */
export function databaseRows(
  ends: { readonly source: CheckedEnd; readonly target: CheckedEnd },
  { source, target, apart, unmarked }: CheckedDatabases,
  context: CheckContext,
): { readonly source: Promise<Finding>[]; readonly target: Promise<Finding>[] } {
  return {
    source: source ? [...loginRows(ends.source, source), ...sourceRows(source, context)] : [],
    target: target
      ? [
          ...loginRows(ends.target, target, source?.session),
          ...(source ? besideRows(source, target, apart, context) : []),
          lookIn('target')(`${target.row} marker`, '', async () => {
            await unmarked;
            return 'not protected from being replaced';
          }),
          ...targetRows(target, context),
        ]
      : [],
  };
}

/** What the target must be for what the source is. */
function besideRows(
  source: CheckedDatabase,
  target: CheckedDatabase,
  apart: Promise<void>,
  { config }: CheckContext,
): Promise<Finding>[] {
  const look = lookIn('target');
  const { skipExtensions } = config.database;
  const originOf = async (end: CheckedDatabase) => (await after(end.row, end.session)).origin;
  return [
    look(`${target.row} apart`, '', async () => {
      await apart;
      return 'another database than the source';
    }),
    look(`${target.row} extensions`, '', async () => {
      const wanted = (await source.facts.extensions).filter(({ name }) => !skipExtensions.includes(name));
      const offered = await target.ask(readOfferedExtensions);
      return notesSeen(
        matchExtensions(wanted, offered, await originOf(target)),
        wanted.length === 0 ? 'the source has none' : `it has ${wanted.map(({ name }) => name).join(', ')}`,
      );
    }),
    look(`${target.row} encoding`, '', async () => {
      const [from, to] = [await source.facts.text, await target.facts.text];
      return notesSeen(textNotes(from, to), `${to.encoding}, sorted by ${to.order}, as the source`);
    }),
    look(`${target.row} disk`, '', async () => {
      const server = await target.server?.catch(() => undefined);
      return diskSeen(await source.facts.sizes, await target.facts.sizes, server?.allocatedBytes);
    }),
  ];
}

function notesSeen(notes: readonly string[], otherwise: string): Seen {
  return notes.length === 0 ? otherwise : { found: notes.join('; '), verdict: 'note' };
}

/** How the schema comes from production's revision to that of staging's own code. */
export function migrationRow({ source, target }: CheckedDatabases, { config }: CheckContext): Promise<Finding>[] {
  if (!source || !target) return [];
  const steps = config.migrate.steps.map(({ http, command }) =>
    http ? `${http.method} ${http.path}` : (command?.run.join(' ') ?? ''),
  );
  const { name: from } = config.source;
  const { name: to } = config.target;
  return [
    lookIn('app')('migrate', steps.join(', '), async () => {
      const { versions, policy } = config.migrate;
      const files = versions === undefined ? [] : await readRevisionFiles(versions);
      const here = { ...(await source.facts.versions), origin: (await after(source.row, source.session)).origin };
      const there = { ...(await target.facts.versions), origin: (await after(target.row, target.session)).origin };
      const migrates = steps.length > 0;
      return migrationSeen(
        { name: from, revision: revisionOf(here.tables) },
        { name: to, revision: revisionOf(there.tables) },
        migrates,
        planMigrations(here, there, { policy, files, migrates }),
      );
    }),
  ];
}

interface Revision {
  readonly name: string;
  readonly revision: string | undefined;
}

/** `plan`: what the version tables and `migrate.versions` say, where either was read. */
export function migrationSeen(
  source: Revision,
  target: Revision,
  migrates: boolean,
  plan: MigrationsPlan = { planned: [], notes: [], refusals: [] },
): Seen {
  const [refusal] = plan.refusals;
  if (refusal) return { found: refusal.message, verdict: 'wrong', fix: refusal.hint };
  const problems = plan.planned.flatMap((one) => one.problems);
  const seen = revisionsSeen(source, target, migrates, plan.planned);
  if (problems.length === 0) return seen;
  const { found, verdict, fix } =
    typeof seen === 'string' ? { found: seen, verdict: 'note' as const, fix: undefined } : seen;
  return { found: [found, ...problems].join('; '), verdict, fix: fix ?? 'Mend the files of migrate.versions.' };
}

function revisionsSeen(
  source: Revision,
  target: Revision,
  migrates: boolean,
  planned: readonly PlannedMigrations[],
): Seen {
  if (source.revision === undefined && target.revision === undefined)
    return migrates ? 'neither database names a revision' : 'neither database names a revision, and nothing migrates';
  const revisions = `${source.name} ${source.revision ?? 'names none'}, ${target.name} ${target.revision ?? 'names none'}`;
  const pending = planned.reduce((sum, { between }) => sum + between.length, 0);
  const both =
    pending === 0 ? revisions : `${revisions}, ${pending} ${pending === 1 ? 'migration' : 'migrations'} between`;
  const ahead = planned.flatMap((one) => sourceAhead(one) ?? []);
  if (ahead.length > 0)
    return {
      found: `${both}; ${ahead.map(({ message }) => message).join('; ')}`,
      verdict: 'note',
      fix: ahead[0]?.hint,
    };
  if (source.revision === target.revision && pending === 0) return `${both}: nothing is pending`;
  if (migrates) return `${both}; ${target.name}'s own code brings it forward after the copy`;
  return {
    found: `${both}; afterwards ${target.name} is at ${source.revision ?? 'no revision'}, and nothing brings it forward`,
    verdict: 'note',
    fix: `Add migrate to restage.yaml, e.g. migrate: [{ http: { path: /health/migrate, expect: { status: success } } }]; or migrate by hand after each run.`,
  };
}

/** For those that must not write: the row that says that the ends are mixed up, or the target none. */
export async function obstacleOf({ target, apart, unmarked }: CheckedDatabases): Promise<string | undefined> {
  const codes: readonly (ErrorCode | undefined)[] = await Promise.all([apart, unmarked].map(codeOf));
  if (codes.some((code) => code === 'target-is-source' || code === 'ends-swapped')) return `${target?.row} apart`;
  return codes.includes('protected') ? `${target?.row} marker` : undefined;
}

async function codeOf(demand: Promise<void>): Promise<ErrorCode | undefined> {
  return demand.then(
    () => undefined,
    (error: unknown) => (error instanceof RestageError ? error.code : undefined),
  );
}
