import type { Account } from '../aws/account.ts';
import type { DatabaseServer } from '../aws/database-server.ts';
import type { DatabaseSecret } from '../aws/secret.ts';
import { addressOf } from '../address.ts';
import { isOfAws } from '../config-end.ts';
import type { DatabaseConfig } from '../config.ts';
import { matchesHost } from '../expected-host.ts';
import { readTextSettings, type TextSettings } from '../postgres/database-properties.ts';
import { readExtensions, type Extension } from '../postgres/extensions.ts';
import { readLogin, readSizes, type LoginFacts, type Sizes } from '../postgres/login-facts.ts';
import { readVersions, type Versions } from '../postgres/version-tables.ts';
import { openSession, type Address, type Session } from '../postgres/session.ts';
import { readDescription, type Description } from '../postgres/description.ts';
import { readIdentity, type Identity } from '../postgres/target.ts';
import { accountOf } from './account.ts';
import type { CheckContext, CheckedEnd, Side } from './context.ts';
import { after, begun, NotTried, within } from './finding.ts';

/** A database that is being looked at: one session, which everything is asked of. */
export interface CheckedDatabase extends AsyncDisposable {
  readonly side: Side;
  readonly config: DatabaseConfig;
  /** The row that tells why there is no address, and why no session. */
  readonly row: string;
  /** What Secrets Manager holds; undefined where the config names no secret. */
  readonly secret: Promise<DatabaseSecret> | undefined;
  /** What RDS says of the server; undefined where the config names no identifier. */
  readonly server: Promise<DatabaseServer> | undefined;
  readonly address: Promise<Address>;
  readonly session: Promise<Session>;
  readonly facts: DatabaseFacts;
  /** Asks once the session is there; gives up on what takes long. */
  ask<T>(read: (session: Session) => Promise<T>): Promise<T>;
}

/** What rows of both ends rely on, each asked by itself: one that fails keeps no other from being told. */
export interface DatabaseFacts {
  readonly login: Promise<LoginFacts>;
  readonly identity: Promise<Identity>;
  readonly description: Promise<Description | undefined>;
  readonly sizes: Promise<Sizes>;
  readonly extensions: Promise<readonly Extension[]>;
  readonly text: Promise<TextSettings>;
  readonly versions: Promise<Versions>;
}

/** A login has time-outs of its own, and their words say more. */
const loginPatienceMs = 14_000;
const awsPatienceMs = 15_000;

/** Connects to the database of an end; undefined where the config names none. */
export function openDatabase(end: CheckedEnd, context: CheckContext): CheckedDatabase | undefined {
  const { side } = end;
  const { database } = end.config;
  const { config, signal } = context;
  if (!database) return undefined;
  const row = `${side}.database`;
  const ofAws = <T>(
    service: string,
    name: string | undefined,
    read: (opened: Account, name: string, ended: AbortSignal) => Promise<T>,
  ): Promise<T> | undefined => {
    if (name === undefined) return undefined;
    const asked = accountOf(end).then((opened) =>
      within(service, signal, (ended) => read(opened, name, ended), awsPatienceMs),
    );
    return begun(asked);
  };
  const secret = ofAws('Secrets Manager', database.secret, async (...of) =>
    (await import('../aws/secret.ts')).readDatabaseSecret(...of),
  );
  const server = ofAws('RDS', database.identifier, async (...of) =>
    (await import('../aws/rds.ts')).readDatabaseServer(...of),
  );
  const address = begun(
    (async () => {
      await after(`${row}.secret`, Promise.resolve(secret));
      await after(`${row}.identifier`, Promise.resolve(server));
      const opened = isOfAws(database) ? await accountOf(end) : undefined;
      const read = (ended: AbortSignal) => addressOf(database, end.config.name, opened, config.passwords, ended);
      return within('AWS', signal, read, awsPatienceMs);
    })(),
  );
  const session = begun(
    (async () => {
      const to = await address;
      const expected = end.config.expect?.host;
      // A password does not go to a server that nobody meant.
      if (expected !== undefined && !matchesHost(expected, to.host))
        throw new NotTried(`${to.host} is not what ${side}.expect.host says`);
      const open = (ended: AbortSignal) => openSession(to, { access: 'read-only', label: 'check', signal: ended });
      return within(`${to.host}:${to.port}`, signal, open, loginPatienceMs);
    })(),
  );
  let last: Promise<unknown> = Promise.resolve();
  let silent = false;
  // One after the other, for a session answers one question at a time.
  const ask = <T>(read: (opened: Session) => Promise<T>): Promise<T> => {
    const before = last;
    const answer = (async () => {
      const opened = await after(row, session);
      await before;
      const { host, port } = opened.origin;
      if (silent) throw new NotTried(`${host}:${port} had given no answer before`);
      silent = true;
      const answered = await within(`${host}:${port}`, signal, () => read(opened).finally(() => (silent = false)));
      return answered;
    })();
    last = answer.catch(() => {});
    return answer;
  };
  const fact = <T>(read: (opened: Session) => Promise<T>) => begun(ask(read));
  return {
    side,
    config: database,
    row,
    secret,
    server,
    address,
    session,
    ask,
    facts: {
      login: fact(readLogin),
      identity: fact(readIdentity),
      description: fact((opened) => readDescription(opened, opened.origin.database)),
      sizes: fact(readSizes),
      extensions: fact(readExtensions),
      text: fact(readTextSettings),
      versions: fact(readVersions),
    },
    [Symbol.asyncDispose]: async () => {
      const opened = await session.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
      (await address.catch(() => undefined))?.tunnel?.[Symbol.dispose]();
    },
  };
}
