import type { DatabaseServer } from '../aws/database-server.ts';
import type { DatabaseSecret } from '../aws/secret.ts';
import type { DatabaseConfig } from '../config.ts';
import { matchesHost } from '../expected-host.ts';
import { isLoopback } from '../loopback.ts';
import { refuseOld, refuseVersions } from '../plan-readings.ts';
import type { LoginFacts } from '../postgres/login-facts.ts';
import { quoteName } from '../postgres/names.ts';
import type { Address, Session } from '../postgres/session.ts';
import type { CheckedEnd } from './context.ts';
import type { CheckedDatabase } from './database.ts';
import { after, lookIn, type Finding, type Seen } from './finding.ts';

/** The way to a database and the login, alike at both ends. `source`: what the target must not be older than. */
export function loginRows(end: CheckedEnd, database: CheckedDatabase, source?: Promise<Session>): Promise<Finding>[] {
  const { side } = end;
  const { config, secret, server, address, session, facts, row } = database;
  const look = lookIn(side);
  const { secret: name = '', identifier = '' } = config;
  const expected = end.config.expect?.host;
  return [
    ...(secret ? [look(`${row}.secret`, name, async () => secretSeen(config, await secret))] : []),
    ...(server ? [look(`${row}.identifier`, identifier, async () => serverSeen(await server))] : []),
    look(row, placeConfigured(config), async () => {
      const { origin } = await session;
      return `${origin.host}:${origin.port}, database ${origin.database}, logged in as ${origin.user}`;
    }),
    ...(expected === undefined
      ? []
      : [
          look(`${side}.expect.host`, expected, async () => hostSeen(expected, (await after(row, address)).host, side)),
        ]),
    look(`${row}.tls`, config.tls ?? '', async () => tlsSeen(await after(row, address), await facts.login)),
    look(`${row} version`, '', async () => {
      const { origin } = await after(row, session);
      if (side === 'source') refuseOld(origin);
      const from = await source?.catch(() => undefined);
      if (from) refuseVersions(from.origin, origin);
      return `PostgreSQL ${origin.version}${from ? `; the source is ${from.origin.version}` : ''}`;
    }),
    look(`${row} role`, config.user ?? '', async () => roleSeen(await after(row, session), await facts.login, side)),
    look(`${row} replica`, '', async () => {
      const { standby } = await facts.identity;
      return standbySeen(standby, side);
    }),
    look(`${row} pooler`, '', async () => poolerSeen(await after(row, session))),
  ];
}

/** By the names of its fields; their values are no matter here. */
export function secretSeen(config: DatabaseConfig, secret: DatabaseSecret): string {
  const has = (fields: Readonly<Record<string, unknown>>) =>
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const { host, port, database: dbname, user: username, password, identifier } = secret;
  const beside = has({ host: config.host ?? config.identifier, port: config.port, database: config.database });
  return `it holds ${has({ host, port, username, password, dbname, identifier }).join(', ')}${beside.length === 0 ? '' : `; ${beside.join(' and ')} by the config`}`;
}

export function serverSeen({ kind, host, port, engine, engineVersion, status, isReplica }: DatabaseServer): Seen {
  const found = [
    `${kind} ${host ?? 'without an endpoint'}:${port ?? '?'}`,
    `${engine} ${engineVersion ?? ''}`.trim(),
    status,
  ];
  if (isReplica) found.push('a replica');
  if (status === 'available') return found.join(', ');
  return {
    found: found.join(', '),
    verdict: 'note',
    fix: 'It may not answer: wait until RDS calls it available, or start it.',
  };
}

function placeConfigured({ host, port, database, url, identifier, secret }: DatabaseConfig): string {
  if (url !== undefined) return placeOf(url);
  if (host !== undefined) return `${host}${port === undefined ? '' : `:${port}`}${database ? `/${database}` : ''}`;
  return identifier === undefined && secret !== undefined ? 'by the secret' : 'by RDS';
}

/** Of a URL what is no secret. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'url';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

export function hostSeen(pattern: string, host: string, side: 'source' | 'target'): Seen {
  if (matchesHost(pattern, host)) return host;
  return {
    found: `${host} is not ${pattern}`,
    verdict: 'wrong',
    fix: `${side}.database leads to another server than ${side}.expect.host says: correct the one that is wrong.`,
  };
}

export function tlsSeen(
  { host, tls, tunnel }: Pick<Address, 'host' | 'tls' | 'tunnel'>,
  { tls: seen }: Pick<LoginFacts, 'tls'>,
): Seen {
  if (tls === 'verify-full') return `in use, the server verified${seen === undefined ? '' : `: ${seen}`}`;
  if (isLoopback(host)) return 'off, on loopback';
  if (tunnel) return 'off, inside the forwarder';
  return {
    found: 'off: password and rows cross the network in the clear',
    verdict: 'note',
    fix: 'Take tls: disable out: verify-full is the default. With ca a certificate of your own is trusted.',
  };
}

function roleSeen({ origin }: Session, { attributes, superuser }: LoginFacts, side: 'source' | 'target'): Seen {
  const found = `${origin.user}${attributes.length === 0 ? ', without special attributes' : `: ${attributes.join(', ')}`}`;
  if (!superuser || side === 'source') return found; // what the source's may do has a row of its own
  return {
    found,
    verdict: 'note',
    fix: `restage needs no superuser: a role that owns the database and has createdb will do, e.g. alter database ${quoteName(origin.database)} owner to …`,
  };
}

export function standbySeen(standby: boolean, side: 'source' | 'target'): Seen {
  if (!standby) return 'no, a primary';
  if (side === 'source')
    return {
      found: 'yes, a standby: it ends who reads longer than its replay may wait',
      verdict: 'note',
      fix: 'If a run is ended by it: raise max_standby_streaming_delay there, or read from the primary.',
    };
  return {
    found: 'yes, a standby: nothing can be written to it',
    verdict: 'wrong',
    fix: "Name the primary's host in target.database.",
  };
}

export function poolerSeen({ pooled }: Pick<Session, 'pooled'>): Seen {
  if (!pooled) return 'none';
  return {
    found: "one in session mode: it must have room for all of restage's sessions",
    verdict: 'note',
    fix: 'Name the host and port of the PostgreSQL server itself, or let the pool have as many sessions as database.jobs and ten more.',
  };
}
