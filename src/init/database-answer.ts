import { keepSecret, RestageError } from '../errors.ts';
import type { DraftDatabase } from './draft.ts';

/** A database as a person names it, made fit for a file. */
export interface DatabaseAnswer {
  readonly database: DraftDatabase;
  /** The variable that the file reads instead of holding a secret, and its value where it was given. */
  readonly variable?: { readonly name: string; readonly value: string | undefined };
  /** What was left out, and why. */
  readonly note?: string;
}

/** How a database may be named, for help and messages. */
export const databaseForms =
  "a secret's name, rds://USER@IDENTIFIER/DATABASE, postgres://USER@HOST:PORT/DATABASE, or '${VARIABLE}' that holds such a URL";

/**
 * Reads a secret's name or ARN, `postgres://user:password@host:port/database`, `rds://user@identifier/database` (without a
 * password: by a token of IAM), or `${VARIABLE}` that holds a postgres URL. A password goes nowhere but into the variable's value.
 * Throws `usage` for a URL that lacks a part.
 */
export function readDatabase(text: string, side: 'source' | 'target'): DatabaseAnswer {
  const reference = /^\$\{(\w+)\}$/.exec(text)?.[1];
  if (reference !== undefined) return { database: { url: text }, variable: { name: reference, value: undefined } };
  if (/^(postgres(ql)?|rds):/i.test(text)) return readUrl(text, side);
  if (text.includes('://'))
    throw new RestageError('usage', `no database is named by ${text.split('://', 1)[0]}://…`, { hint: databaseForms });
  return { database: { secret: text } };
}

function readUrl(text: string, side: 'source' | 'target'): DatabaseAnswer {
  // Whatever cannot be read may be a password: none of it is told.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const password = url ? decoded(url.password) : undefined;
  if (password !== undefined && password !== '') keepSecret(password);
  const user = decoded(url?.username ?? '');
  const database = decoded(url?.pathname.slice(1) ?? '');
  const isRds = url?.protocol === 'rds:';
  const form = isRds ? 'rds://user@identifier/database' : 'postgres://user@host:port/database';
  if (!url?.hostname || !user || !database || password === undefined)
    throw new RestageError('usage', `${side}: the database's URL is not ${form}`, {
      hint: 'In user, password and database name a % is written %25, a @ %40, a / %2F.',
    });
  const name = `${side.toUpperCase()}_DATABASE_PASSWORD`;
  const login =
    isRds && password === ''
      ? { login: { auth: 'iam' as const } }
      : { login: { passwordEnv: name }, variable: { name, value: password === '' ? undefined : password } };
  const place = isRds
    ? { identifier: url.hostname }
    : { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 5432) };
  const { tls, note } = readSearch(url.searchParams);
  return {
    database: { ...place, database, user, ...login.login, ...(tls ? { tls } : {}) },
    ...(login.variable ? { variable: login.variable } : {}),
    ...(note === undefined ? {} : { note }),
  };
}

/** What stands after ?: of it only sslmode=disable is a setting of the file. */
function readSearch(search: URLSearchParams): { readonly tls?: 'disable'; readonly note?: string } {
  const isPlain = search.get('sslmode') === 'disable';
  const rest = [...search.keys()].filter((key) => key !== 'sslmode');
  const stricter = search.has('sslmode') && !isPlain ? ['sslmode (TLS is always verified in full)'] : [];
  const left = [...stricter, ...rest];
  return {
    ...(isPlain ? { tls: 'disable' as const } : {}),
    ...(left.length === 0 ? {} : { note: `left out of the database's URL: ${left.join(', ')}` }),
  };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
