import type { HeldDatabase } from '../status.ts';
import { bytes, counted, moment } from './format.ts';

// What restage knows of a database that a target has or had, in words.

/** bluemoxon at host:5432, as of 2025-12-22 14:03:11 UTC; its own name, where nothing is noted on it */
export function contentWords({ made, name }: Pick<HeldDatabase, 'made' | 'name'>): string {
  if (!made) return oneLine(name);
  const { database, host, port } = made.source;
  return `${oneLine(database)} at ${oneLine(host)}:${port}, as of ${moment(made.takenAt)}`;
}

/** accepted 2025-12-22 14:05:00 UTC; why not */
export function acceptanceWords({ state, made }: Pick<HeldDatabase, 'state' | 'made'>): string {
  if (state === 'not-restage') return 'not made by restage';
  if (made?.acceptedAt !== undefined) return `accepted ${moment(made.acceptedAt)}`;
  if (made?.failed !== undefined) return `not accepted: ${oneLine(made.failed)} failed, and database.onFailure kept it`;
  return 'not accepted: its run did not end, or has not yet';
}

export function sizeWords(sizeBytes: number | undefined): string {
  return sizeBytes === undefined ? 'size unknown' : bytes(sizeBytes);
}

/** 14 tables, 2,452 rows; absent where rules left some of the rows behind */
export function amountWords({ made }: Pick<HeldDatabase, 'made'>): string | undefined {
  if (made?.tables === undefined || made.rows === undefined) return undefined;
  return `${counted(made.tables, 'table')}, ${counted(made.rows, 'row')}`;
}

/** Names come from servers, and may hold anything. */
export function oneLine(text: string): string {
  return /\p{Cc}/u.test(text) ? JSON.stringify(text) : text;
}
