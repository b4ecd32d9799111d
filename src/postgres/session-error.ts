import { DatabaseError } from 'pg';
import { RestageError } from '../errors.ts';
import type { Address, Origin } from './session.ts';

/** A failed statement: the server's words, its SQLSTATE, detail and where. */
export function statementError(error: unknown, origin: Origin, sql: string): RestageError {
  if (error instanceof RestageError) return error;
  const where = `${origin.database} at ${origin.host}:${origin.port}`;
  if (!(error instanceof DatabaseError)) return connectionLost(origin, error);
  // 57P01 and its like: an administrator, a shutdown or a crash. Whether their words arrive is a matter of luck.
  if (error.code?.startsWith('57P0')) return connectionLost(origin, error);
  const words = [withoutValues(error.message), error.detail && withoutValues(error.detail)].filter(Boolean).join('; ');
  return new RestageError('statement-failed', `${where}: ${words} (SQLSTATE ${error.code})`, {
    cause: error,
    hint: error.hint ?? `The statement was: ${shorten(sql)}`,
  });
}

/** The server's words without values of rows: they may be personal data, and a message goes to terminals and reports. */
function withoutValues(words: string): string {
  return words
    .replace(/\)=\([\s\S]*\)/g, ')=(…)') // Key (email)=(…) already exists
    .replace(/(Failing row contains )\([\s\S]*\)/, '$1(…)')
    .replace(/((?:invalid|malformed|out of range|too long)[^"]*): "[\s\S]*"/, '$1: "…"');
}

/** The end of a connection, with what is known of its cause. */
export function connectionLost(origin: Origin, cause?: unknown): RestageError {
  const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
  const message = `the connection to ${origin.database} at ${origin.host}:${origin.port} was lost${why}`;
  return new RestageError('database-lost', message, {
    cause,
    hint: 'The server ended it, or the network did. Nothing goes on after that; run again.',
  });
}

/** The SQLSTATE behind an error, if the server gave one. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof RestageError ? error.cause : error;
  return cause instanceof DatabaseError ? cause.code : undefined;
}

/** Why no session could be opened, and what to do about it. */
export function connectError(error: unknown, address: Address, where: string): RestageError {
  if (error instanceof RestageError) return error;
  const state = sqlState(error);
  const words = messageOf(error);
  if (state === '3D000')
    return new RestageError('database-missing', `there is no database ${where}: ${words}`, {
      cause: error,
      hint: 'Check the database name in the secret or the config.',
    });
  if (state?.startsWith('28'))
    return new RestageError('database-login', `login refused for ${where}: ${words}`, {
      cause: error,
      hint: 'Check user and password: the secret may be older than the last rotation.',
    });
  if (state)
    return new RestageError('database-unreachable', `${where} refused the connection: ${words} (SQLSTATE ${state})`, {
      cause: error,
    });
  return new RestageError('database-unreachable', `cannot reach ${where}: ${words}`, {
    cause: error,
    hint: reachHint(error, address),
  });
}

function reachHint(error: unknown, address: Address): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOTFOUND') return `DNS knows no ${address.host}. A private name resolves only inside its VPC.`;
  if (code === 'ECONNREFUSED') return `Nothing listens on port ${address.port} there, or a firewall refuses it.`;
  if (code === undefined && /timeout/i.test(messageOf(error)))
    return 'No answer: a security group, a missing route or a VPN that is off.';
  return 'Check host and port, and that this machine may reach them.';
}

function messageOf(error: unknown): string {
  // Node gathers the failures of every address of a host in one error without a message.
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((one: unknown) => messageOf(one)).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function shorten(sql: string): string {
  const flat = sql.replace(/\s+/g, ' ').trim();
  return flat.length > 200 ? `${flat.slice(0, 200)}…` : flat;
}
