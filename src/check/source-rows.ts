import type { Config } from '../config.ts';
import { readExtensions, requireDispensable, requireKnownExtensions } from '../postgres/extensions.ts';
import { readWriteRights, requireWriteRefused } from '../postgres/login-facts.ts';
import { quoteName } from '../postgres/names.ts';
import { requireReadable } from '../postgres/readable.ts';
import { requireRoles } from '../postgres/roles.ts';
import type { Session } from '../postgres/session.ts';
import { sourceDatabase } from '../postgres/source.ts';
import type { CheckContext } from './context.ts';
import type { CheckedDatabase } from './database.ts';
import { after, lookIn, within, type Finding, type Seen } from './finding.ts';

/** Whether the source can be read whole, as one moment, and only read. */
export function sourceRows(database: CheckedDatabase, { config, signal }: CheckContext): Promise<Finding>[] {
  const look = lookIn('source');
  const { row, ask, address, session } = database;
  const { skipExtensions } = config.database;
  return [
    look(`${row} snapshot`, '', async () => {
      const { origin } = await after(row, session);
      const where = `${origin.host}:${origin.port}`;
      return within(where, signal, async (ended) => {
        await using snapshot = await sourceDatabase(await address).snapshot({ label: 'check', signal: ended });
        await using _reader = await snapshot.reader();
        return 'exported, and shared with a second session';
      });
    }),
    look(`${row} rows`, '', () =>
      ask(async (opened) => {
        await requireReadable(opened, skipExtensions);
        return `${opened.origin.user} may read every table, sequence and large object, and no policy hides rows`;
      }),
    ),
    look(`${row} writes`, '', () => ask(writesSeen)),
    ...sourceNames(config, database),
  ];
}

/** Production is only read: by the role if it can be had, by the session in any case. */
async function writesSeen(session: Session): Promise<Seen> {
  await requireWriteRefused(session);
  const rights = await readWriteRights(session);
  const { user } = session.origin;
  const refused = "in restage's session the server refuses it";
  if (rights.length === 0) return `${user} can only read; ${refused} too`;
  return {
    found: `${user} could write: it ${rights.join(', ')}; ${refused}`,
    verdict: 'note',
    fix: `Safer is a role that can only read: create role restage_reader login password '…'; grant pg_read_all_data to restage_reader; grant connect on database ${quoteName(session.origin.database)} to restage_reader`,
  };
}

/** What the config names of the source's database. */
function sourceNames({ database: { skipExtensions, grants } }: Config, { ask }: CheckedDatabase): Promise<Finding>[] {
  const look = lookIn('source');
  const roles = Object.keys(grants);
  return [
    ...(skipExtensions.length === 0
      ? []
      : [
          look('database.skipExtensions', skipExtensions.join(', '), () =>
            ask(async (opened) => {
              requireKnownExtensions(skipExtensions, await readExtensions(opened));
              await requireDispensable(opened, skipExtensions);
              return 'the source has them, and nothing needs them';
            }),
          ),
        ]),
    ...(roles.length === 0
      ? []
      : [
          look('database.grants', roles.join(', '), () =>
            ask(async (opened) => {
              await requireRoles(opened, roles, 'source');
              return 'roles of the source';
            }),
          ),
        ]),
  ];
}
