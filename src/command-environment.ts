import { isIP } from 'node:net';
import { isLoopback } from './loopback.ts';

/** The database that a program is led to. */
export interface CommandDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** The port of this machine that a tunnel forwards there. */
  readonly tunnelPort?: number | undefined;
  /** The file of the certificates that are trusted; absent: without TLS. */
  readonly certificates?: string | undefined;
  /** Shown in pg_stat_activity. */
  readonly application: string;
}

/** What else must not be reached: what names it is left out of what is inherited. */
export interface Forbidden {
  readonly hosts: readonly string[];
  readonly passwords: readonly string[];
}

const loopback = '127.0.0.1';

/**
 * The environment of a program that changes one database: what is inherited, without all that leads to any database, then its
 * own variables, then DATABASE_URL and PG* of that one. They are the environment and never an argument: those are for all to see.
 */
export function commandEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
  to: CommandDatabase,
  forbidden: Forbidden,
): Record<string, string> {
  const harmless = Object.entries(inherited).flatMap(([name, value]) =>
    value === undefined || isSetHere(name) || leadsToDatabase(value) || namesAny(value, forbidden)
      ? []
      : [[name, value] as const],
  );
  const given = Object.entries(own).filter(([name]) => !isSetHere(name));
  return { ...Object.fromEntries([...harmless, ...given]), ...libpqVariables(to), DATABASE_URL: databaseUrl(to) };
}

/** Whether restage sets a variable, or must leave it out: all that libpq reads, and what most tools do. */
export function isSetHere(name: string): boolean {
  return /^(PG|DATABASE_URL$)/i.test(name);
}

/** A URL or a list of settings of PostgreSQL, under whatever name: as libpq, JDBC, SQLAlchemy and .NET write them. */
const connections = [
  /(?<![a-z])(postgres|postgresql|pgsql|psql|postgis|pgx\d?|ecto|redshift|timescaledb|cockroach|cockroachdb)([+:][\w+]*)?:\/\//i,
  /\bdbname\s*=/i,
  /\b(host|server|data source)\s*=[^;]*;.*\b(database|initial catalog|db)\s*=/i,
];

function leadsToDatabase(value: string): boolean {
  return connections.some((form) => form.test(value));
}

function namesAny(value: string, { hosts, passwords }: Forbidden): boolean {
  return (
    hosts.some((host) => !isLoopback(host) && namesHost(value.toLowerCase(), host.toLowerCase())) ||
    passwords.some((password) => password.length >= 6 && value.includes(password))
  );
}

function namesHost(value: string, host: string): boolean {
  return value === host || (host.includes('.') && value.includes(host));
}

/**
 * What libpq reads. Through a tunnel it connects to this machine and verifies the database's own name: that is what
 * PGHOSTADDR is for.
 */
function libpqVariables(to: CommandDatabase): Record<string, string> {
  const { host, address, port } = reachedAt(to);
  return {
    PGHOST: host,
    ...(address === undefined ? {} : { PGHOSTADDR: address }),
    PGPORT: String(port),
    PGDATABASE: to.database,
    PGUSER: to.user,
    PGPASSWORD: to.password,
    PGAPPNAME: to.application,
    PGSSLMODE: to.certificates === undefined ? 'disable' : 'verify-full',
    ...(to.certificates === undefined ? {} : { PGSSLROOTCERT: to.certificates }),
  };
}

function databaseUrl(to: CommandDatabase): string {
  const { host, address, port } = reachedAt(to);
  const settings = Object.entries({
    ...(address === undefined ? {} : { hostaddr: address }),
    sslmode: to.certificates === undefined ? 'disable' : 'verify-full',
    ...(to.certificates === undefined ? {} : { sslrootcert: to.certificates }),
  });
  const place = isIP(host) === 6 ? `[${host}]` : encodeURIComponent(host);
  const login = [to.user, to.password].map(strictly).join(':');
  const query = settings.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return `postgresql://${login}@${place}:${port}/${strictly(to.database)}?${query}`;
}

function reachedAt({ host, port, tunnelPort, certificates }: CommandDatabase): {
  readonly host: string;
  readonly address?: string;
  readonly port: number;
} {
  if (tunnelPort === undefined) return { host, port };
  if (certificates === undefined) return { host: loopback, port: tunnelPort };
  return { host, address: loopback, port: tunnelPort };
}

/** Percent-encoded, with the few marks too that encodeURIComponent leaves as they are. */
function strictly(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
