import { RestageError } from '../errors.ts';
import { quoteName, quoteText } from './names.ts';
import type { ReadSession, Session } from './session.ts';

/** Anywhere in the comment on a database: the database is no target, whoever asks, by whatever version and config. */
export const marker = 'restage:protected';

/** The comment on a database of the session's server, as it stands there. */
export async function readRawComment(
  session: Pick<ReadSession, 'rows'>,
  database: string,
): Promise<string | undefined> {
  const [row] = await session.rows<{ comment: string | null }>(
    `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = ${quoteText(database)}`,
  );
  return row?.comment ?? undefined;
}

export async function isMarked(session: ReadSession, database: string): Promise<boolean> {
  return (await readRawComment(session, database))?.includes(marker) ?? false;
}

/** Throws `protected` where the database's comment holds the marker, with the statement that takes it off by hand. */
export async function requireUnmarked(session: ReadSession, database: string): Promise<void> {
  const comment = await readRawComment(session, database);
  if (comment?.includes(marker)) throw isProtected(session, database, comment);
}

function isProtected({ origin }: ReadSession, database: string, comment: string): RestageError {
  const statement = commentStatement(database, withoutMarker(comment));
  return new RestageError(
    'protected',
    `${database} at ${origin.host}:${origin.port} is protected: the comment on the database holds ${marker}`,
    {
      hint: `It must not be replaced. Only if it really is to be a target, take the marker off by hand, as its owner: ${
        statement.length > 1000 ? `take ${marker} out of the comment` : statement
      }`,
    },
  );
}

/** The statement that gives a database this comment. */
export function commentStatement(database: string, comment: string | undefined): string {
  return `comment on database ${quoteName(database)} is ${comment === undefined ? 'null' : quoteText(comment)}`;
}

/** Puts the marker on a database, beside what its comment holds. */
export async function mark(session: Session, database: string): Promise<void> {
  await session.execute(commentStatement(database, withMarker(await readRawComment(session, database))));
}

/** A comment with the marker: after what people wrote, and inside of what restage notes, which stays readable. */
export function withMarker(comment: string | undefined): string {
  if (comment === undefined || comment === '') return marker;
  if (comment.includes(marker)) return comment;
  const told = notesIn(comment);
  if (told) return JSON.stringify({ ...told, restage: { ...told.restage, comment: withMarker(told.restage.comment) } });
  return `${comment}\n${marker}`;
}

/** What is left of a comment without the marker; undefined where nothing is. */
export function withoutMarker(comment: string): string | undefined {
  const told = notesIn(comment);
  if (told?.restage.comment?.includes(marker)) {
    const { comment: people = '', ...facts } = told.restage;
    const rest = withoutMarker(people);
    return JSON.stringify({ ...told, restage: { ...facts, ...(rest === undefined ? {} : { comment: rest }) } });
  }
  const rest = comment.replaceAll(marker, '').trim();
  return rest === '' ? undefined : rest;
}

interface Notes {
  readonly restage: { readonly comment?: string };
}

function notesIn(comment: string): Notes | undefined {
  try {
    const told = JSON.parse(comment) as Partial<Notes> | null; // looked at below
    return typeof told?.restage === 'object' ? (told as Notes) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A statement for inside of a transaction that has locked the database: it fails where the marker is there, division by
 * zero being an error that plain SQL can make. A comment waits for that lock, so none can come in between.
 */
export function failIfMarked(database: string): string {
  return `select 1 / case when position(${quoteText(marker)} in shobj_description(oid, 'pg_database')) > 0 then 0 else 1 end
        from pg_database where datname = ${quoteText(database)}`;
}

/** The SQLSTATE of that failure. */
export const markedState = '22012';
