import type { Config } from '../config.ts';
import { readHolds, type Holds, type Sizes } from '../postgres/login-facts.ts';
import { quoteName, quoteText } from '../postgres/names.ts';
import { requireRoles } from '../postgres/roles.ts';
import {
  openMaintenance,
  readLockHolder,
  readSwapRights,
  readTarget,
  requireCreatedb,
  requireOwner,
  targetDatabase,
  type TargetFacts,
} from '../postgres/target.ts';
import { bytes, counted } from '../report/format.ts';
import type { CheckContext } from './context.ts';
import type { CheckedDatabase } from './database.ts';
import { after, lookIn, within, type Finding, type Seen } from './finding.ts';

/** Whether a database can be built beside the target's and swapped with it. */
export function targetRows(database: CheckedDatabase, { config, signal }: CheckContext): Promise<Finding>[] {
  const look = lookIn('target');
  const { row, ask, address, session } = database;
  const right = (setting: string, words: string, demand: typeof requireOwner) =>
    look(`${row} ${setting}`, '', async () => {
      demand(await ask(readSwapRights));
      return words;
    });
  return [
    right('owner', 'the role owns the database, and can swap it', requireOwner),
    right('createdb', 'the role may create the new database beside it', requireCreatedb),
    look(`${row} maintenance`, '', async () => {
      const { origin } = await after(row, session);
      return within(`${origin.host}:${origin.port}`, signal, async (ended) => {
        await using other = await openMaintenance(targetDatabase(await address), 'check', ended);
        return `${other.origin.database} can be connected to, to swap from`;
      });
    }),
    look(`${row} sessions`, '', () => ask(async (opened) => sessionsSeen(await readTarget(opened)))),
    look(`${row} prepared`, '', () => ask(async (opened) => holdsSeen(await readHolds(opened)))),
    look(`${row} lock`, '', () =>
      ask(async (opened) => lockSeen((await readLockHolder(opened, opened.origin.database))?.words)),
    ),
    ...targetNames(config, database),
  ];
}

function targetNames({ database: { owner, grants } }: Config, { ask }: CheckedDatabase): Promise<Finding>[] {
  const look = lookIn('target');
  const named = [
    ['database.owner', owner === undefined ? [] : [owner]],
    ['database.grants', Object.values(grants)],
  ] as const;
  return named.flatMap(([setting, roles]) =>
    roles.length === 0
      ? []
      : [
          look(setting, roles.join(', '), () =>
            ask(async (opened) => {
              await requireRoles(opened, roles);
              return roles.length === 1 ? 'a role of the target' : 'roles of the target';
            }),
          ),
        ],
  );
}

function totalOf(sessions: TargetFacts['sessions']): number {
  return sessions.reduce((total, { count }) => total + count, 0);
}

export function sessionsSeen({ sessions, origin }: TargetFacts): Seen {
  const lasting = sessions.filter(({ mayEnd }) => !mayEnd);
  if (lasting.length > 0) {
    const byUser = Map.groupBy(lasting, ({ user }) => user);
    const whose = [...byUser].map(([user, of]) => `${user} (${totalOf(of)})`).join(', ');
    return {
      found: `${origin.user} may not end these sessions, and the swap fails while they are there: ${whose}`,
      verdict: 'wrong',
      fix: `End them before a run; or as a superuser or RDS's master user: grant pg_signal_backend to ${quoteName(origin.user)}`,
    };
  }
  const number = totalOf(sessions);
  return number === 0 ? 'none of others' : `${counted(number, 'session')} of others, which the swap ends`;
}

/** Prepared transactions keep a database from being renamed, replication slots a previous one from being dropped. */
export function holdsSeen({ prepared, slots }: Holds): Seen {
  if (prepared.length > 0) {
    const whose = prepared.map(({ id, owner, since }) => `${id} (of ${owner}, since ${since})`).join(', ');
    return {
      found: `a swap fails while transactions are prepared in it: ${whose}`,
      verdict: 'wrong',
      fix: `Whoever prepared them ends them: ${prepared.map(({ id }) => `rollback prepared ${quoteText(id)}`).join('; ')}`,
    };
  }
  if (slots.length > 0)
    return {
      found: `replication slots go with it into the previous database, and keep it from being dropped: ${slots.join(', ')}`,
      verdict: 'note',
      fix: `If nobody reads them: ${slots.map((name) => `select pg_drop_replication_slot(${quoteText(name)})`).join('; ')}`,
    };
  return 'no prepared transaction, no replication slot';
}

export function lockSeen(holder: string | undefined): Seen {
  if (holder === undefined) return 'no run is in progress';
  return {
    found: `it is being refreshed, by ${holder}`,
    verdict: 'note',
    fix: 'A sync is refused until that run has ended. A run that died frees the target by itself.',
  };
}

/** `allocatedBytes`: what its server's disk holds, where somebody knows; SQL does not. */
export function diskSeen(source: Sizes, target: Sizes, allocatedBytes: number | undefined): Seen {
  const need = `the new database needs about ${bytes(source.own)} beside the present one of ${bytes(target.own)}`;
  if (allocatedBytes === undefined) return `${need}; how much is free is not known to SQL`;
  const free = Math.max(0, allocatedBytes - target.server);
  const found = `about ${bytes(free)} of ${bytes(allocatedBytes)} are free; ${need}`;
  if (free > source.own * 1.2) return found;
  return {
    found,
    verdict: 'note',
    fix: 'Let the storage grow before the run, or drop databases that are not needed; database.keepPrevious: 0 keeps no earlier one.',
  };
}
