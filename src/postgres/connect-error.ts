import { DatabaseError } from 'pg';
import { RestageError, type ErrorCode } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { connectSeconds, type Hop } from './connection.ts';
import { adviceFor, messageOf } from './session-error.ts';
import type { Address } from './session.ts';

/** What is told of a failure, but for its cause. */
interface Told {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Why no session could be opened: the hop that failed, the words that came from there, and what to do about it. */
export function connectError(error: unknown, address: Address, hop: Hop): RestageError {
  if (error instanceof RestageError) return error;
  const told = error instanceof DatabaseError ? refusedBy(error, address) : failedAt(hop, error, address);
  return new RestageError(told.code, told.message, { cause: error, hint: told.hint });
}

function placeOf({ database, host, port, user }: Address): string {
  return `${database} at ${host}:${port} as ${user}`;
}

/** The server is there, and has said no. */
function refusedBy(error: DatabaseError, address: Address): Told {
  const where = placeOf(address);
  const { code: state = '', message: words } = error;
  if (state === '3D000')
    return {
      code: 'database-missing',
      message: `there is no database ${where}: ${words}`,
      hint: 'Check the database name in the secret or the config.',
    };
  if (state.startsWith('28'))
    return {
      code: 'database-login',
      message: `login refused for ${where}: ${words}`,
      hint: loginAdvice(state, words, address),
    };
  const told = `${where} refused the connection: ${words} (SQLSTATE ${state})`;
  if (state === '42501')
    return {
      code: 'database-unfit',
      message: told,
      hint: `As the database's owner: grant connect on database "${address.database}" to "${address.user}"`,
    };
  if (state === '55000')
    return {
      code: 'database-unfit',
      message: told,
      hint: 'Name another database. This one has allow_connections off, or is what an interrupted DROP DATABASE has left.',
    };
  return { code: 'database-unreachable', message: told, hint: startingAdvice(state) ?? adviceFor(error) };
}

function startingAdvice(state: string): string | undefined {
  return state === '57P03' || state === '57P01' || state === '57P02'
    ? 'The server is starting, stopping or recovering. Run again in a minute; if it stays like this, its log says why.'
    : undefined;
}

function loginAdvice(state: string, words: string, { tls, user, password }: Address): string {
  if (/pg_hba\.conf/.test(words))
    return tls === 'disable' && /no encryption|SSL off/.test(words)
      ? 'The server takes nobody in without TLS: leave out tls: disable (on loopback: write tls: verify-full), with ca: where its certificate is not of a known authority.'
      : "The server's pg_hba.conf has no line that lets this user into this database from this machine's address: add one, or come from an address that it knows.";
  if (/^role ".*" does not exist/.test(words))
    return 'Check the user in the secret or the config; upper and lower case count.';
  if (/is not permitted to log in/.test(words))
    return `As a superuser or RDS's master user: alter role "${user}" login`;
  if (typeof password === 'function')
    return `A token of IAM was refused. The role needs it allowed, as RDS's master user: grant rds_iam to "${user}". The instance needs IAM authentication switched on, and the AWS identity rds-db:connect for this user; region and host must be the instance's own.`;
  if (state === '28P01')
    return "Check user and password: the secret may be older than the last rotation, or the role's valid until has passed. A role with rds_iam takes no password: auth: iam.";
  return 'Check user and password: the secret may be older than the last rotation.';
}

/** Nobody answered, or not as a PostgreSQL that lets one in. */
function failedAt(hop: Hop, error: unknown, address: Address): Told {
  const words = messageOf(error);
  const code = codeOf(error);
  const { tunnel } = address;
  const where = `${placeOf(address)}${tunnel ? `, by way of ${tunnel.program}` : ''}`;
  if (hop === 'dns' || isDnsCode(code))
    return { code: 'host-unknown', message: `cannot reach ${where}: ${words}`, hint: dnsAdvice(code, address) };
  const isTimeout = code === undefined && /^timeout expired$/.test(words);
  if (hop === 'tcp' || hop === 'open')
    return {
      code: 'database-unreachable',
      message: `cannot reach ${where}: ${words}`,
      hint: reachAdvice(code, isTimeout, address),
    };
  if (isTimeout)
    return {
      code: 'database-unreachable',
      message: `cannot reach ${where}: the connection was taken, and no answer came within ${connectSeconds} seconds`,
      hint: silenceAdvice(address),
    };
  if (isTlsError(code, words) || (hop === 'tls' && !isEnd(code, words)))
    return {
      code: 'tls-failed',
      message: `no TLS with ${where}: ${words}`,
      hint: tlsAdvice(error, code, words, address),
    };
  if (isEnd(code, words))
    return {
      code: 'database-unreachable',
      message: `cannot reach ${where}: the connection was taken, and ended before the login: ${words}`,
      hint: silenceAdvice(address),
    };
  return {
    code: 'database-login',
    message: `login refused for ${where}: ${words}`,
    hint: /non-empty string/.test(words)
      ? 'The password is empty: correct it in the secret, the URL or the variable that passwordEnv names.'
      : 'The server asks for a login that restage does not know, or is not who it says: restage logs in with a password, by SCRAM, MD5 or in the clear under TLS.',
  };
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function isDnsCode(code: string | undefined): boolean {
  return code === 'ENOTFOUND' || (code?.startsWith('EAI_') ?? false);
}

function isEnd(code: string | undefined, words: string): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT' || words.startsWith('Connection terminated');
}

/** Also what comes when the handshake is over: with TLS 1.3 a server refuses a client only then. */
function isTlsError(code: string | undefined, words: string): boolean {
  return code === 'EPROTO' || (code?.startsWith('ERR_SSL_') ?? false) || /does not support SSL/.test(words);
}

function dnsAdvice(code: string | undefined, { host }: Address): string {
  return code === 'ENOTFOUND'
    ? `DNS knows no ${host}. A private name resolves only inside its VPC: from elsewhere via: takes a tunnel there.`
    : `DNS gave no answer for ${host}: is this machine's network, or its VPN, on?`;
}

function reachAdvice(code: string | undefined, isTimeout: boolean, { port, tunnel }: Address): string {
  if (tunnel) return `${tunnel.program} listened and does not any more.${wordsOf(tunnel)}`;
  if (code === 'ECONNREFUSED') return `Nothing listens on port ${port} there, or a firewall refuses it.`;
  if (isTimeout || code === 'ETIMEDOUT')
    return 'No answer: a security group, a missing route or a VPN that is off. A database in a private subnet is reached from outside by via: only.';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return 'This machine has no route there: a VPN that is off, or an address of a network that it is not in.';
  return 'Check host and port, and that this machine may reach them.';
}

function silenceAdvice({ host, port, tunnel }: Address): string {
  if (tunnel)
    return `${tunnel.program} takes connections and gets nowhere with them: can the other end of it reach ${host}:${port}?${wordsOf(tunnel)}`;
  return 'Check host and port: what listens there is no PostgreSQL, or a proxy or load balancer with none behind it, or one that is overloaded.';
}

function wordsOf(tunnel: NonNullable<Address['tunnel']>): string {
  const words = tunnel.lastWords();
  return words === '' ? '' : ` It says: ${words}`;
}

const ownCertificates = 'put it in a PEM file and name that file with ca: beside the database';

/** What to do about a server that cannot prove who it is, by OpenSSL's name for it. */
function tlsAdvice(error: unknown, code: string | undefined, words: string, address: Address): string {
  switch (code ?? '') {
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = namesOf(error);
      return `The certificate is ${names ? `for ${names}` : 'for another name'}, not for ${address.host}: give ${names ? 'one of these' : 'that name'} as host. An alias of your own in DNS is in no certificate of RDS.`;
    }
    case 'CERT_HAS_EXPIRED':
      return "The server's certificate, or that of its authority, has expired: renew it there (on RDS: modify the instance to a current certificate authority). Or this machine's clock is wrong.";
    case 'CERT_NOT_YET_VALID':
      return "The server's certificate begins to hold later: this machine's clock is wrong, or the server's was.";
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return `The server's certificate is signed by itself. If that is meant, ${ownCertificates}.`;
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `The server's certificate is of an authority that is not known here; those of RDS and of the web are. Get the certificate of your authority, ${ownCertificates}.`;
  }
  if (/does not support SSL/.test(words))
    return 'The server has TLS switched off. Switch it on there (ssl = on); tls: disable only where nobody can listen on the way, such as inside a tunnel or one machine.';
  if (/error establishing an SSL connection/.test(words))
    return `What listens on port ${address.port} does not answer as PostgreSQL does: check host and port.`;
  if (/certificate required|handshake failure/i.test(words))
    return 'The server may ask for a certificate of the client, which restage has none of: let this role in by password in its pg_hba.conf.';
  return "restage needs TLS 1.2 or later and a certificate that it can verify: the server's log says more.";
}

/** The names in a certificate: `DNS:a.example, IP Address:10.0.0.1` → `a.example, 10.0.0.1`. */
function namesOf(error: unknown): string | undefined {
  const cert = error instanceof Error && 'cert' in error ? (error.cert as { subjectaltname?: unknown }) : {}; // Node's
  const names = typeof cert.subjectaltname === 'string' ? cert.subjectaltname : '';
  const shown = [...names.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name]) => name);
  return shown.length === 0 ? undefined : shown.slice(0, 5).join(', ');
}

/** The databases of a server that one may mean; those that runs have left are not among them. */
export const databaseNames = `
    select datname as name
      from pg_database
     where datallowconn and not datistemplate and datname !~ '__(incoming|previous)_'
     order by datname`;

/** The error with the name that was likely meant. */
export function nearestDatabase(told: RestageError, name: string, names: readonly string[]): RestageError {
  const others = names.filter((one) => one !== 'postgres');
  const near = nearest(name, others);
  const list = others.length > 20 ? `${others.slice(0, 20).join(', ')}, …` : others.join(', ');
  const hint = near
    ? `Did you mean ${near}? Check the database name in the secret or the config. Databases there: ${list}`
    : others.length > 0
      ? `Check the database name in the secret or the config. Databases there: ${list}`
      : told.hint;
  return new RestageError(told.code, told.message, { cause: told.cause, hint });
}
