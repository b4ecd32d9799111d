import type { TableName } from './names.ts';
import { commentStatement, marker, readRawComment, withMarker } from './protected-marker.ts';
import type { SchemaPrint } from './schema-print.ts';
import type { ReadSession, Session } from './session.ts';

export interface ChangedRows {
  readonly table: TableName;
  readonly rows: number;
  /** The config's `afterLoad`; or it was done to rows whose parents are not there. */
  readonly by: 'afterLoad' | 'orphans';
}

/** What a run that has paused notes on what it has built so far. */
export interface Paused {
  /** ISO 8601. */
  readonly at: string;
  /** How many tables are loaded, of how many. */
  readonly tables: number;
  readonly of: number;
  /** The print of its steps, without secrets: what its report names must be these. */
  readonly steps: string;
  /** What the rows go into: nobody may have changed it when the next part comes. */
  readonly built: SchemaPrint;
}

/** What restage notes on a database that it made, as the database's comment. */
export interface Description {
  readonly run: string;
  readonly source: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    /** What it is by whatever name: system identifier and the database's number, where they could be read. */
    readonly disk?: string;
  };
  /** The moment of the source that it holds, ISO 8601. */
  readonly takenAt: string;
  readonly swappedAt: string;
  /** What was read at the source; absent where rules had a part of it read only, and in what earlier versions made. */
  readonly tables?: number;
  readonly rows?: number;
  /** Tables that were changed once their rows had come, so that they need not be equal to the source's. */
  readonly changed?: readonly ChangedRows[];
  /** What tells the key of its masks from others; absent where nothing is masked by one. */
  readonly maskKey?: string;
  /** What made it other than the source is: a line for each rule, names only; cut where a comment would become too long. */
  readonly rules?: readonly string[];
  /** When everything after the swap had been verified too; absent in a database whose run did not come that far. */
  readonly acceptedAt?: string;
  /** The step whose failure left it in place, not accepted; absent where its run was killed, or accepted it. */
  readonly failed?: string;
  /** It was replaced, and put back by this rollback. */
  readonly restored?: { readonly run: string; readonly at: string };
  /** Its run has paused; absent in what stands in staging's place. */
  readonly paused?: Paused;
  /** All of its rows had come, and what comes after them had begun; absent in what stands in staging's place. */
  readonly completing?: true;
  /** The comment that people gave the database, which this description stands in place of. */
  readonly comment?: string;
}

/**
 * Notes the facts as the database's comment; a comment of people's is kept inside, the protected marker in any case. `people`: the
 * database whose comment that is, where it is another one.
 */
export async function describeDatabase(
  maintenance: Session,
  database: string,
  facts: Description,
  people = database,
): Promise<void> {
  const raw = await readRawComment(maintenance, database);
  const comment = ofPeople(people === database ? raw : await readRawComment(maintenance, people));
  const told = inWords({ ...facts, ...(comment === undefined ? {} : { comment }) });
  // A marker that somebody put anywhere else must not go.
  const kept = raw?.includes(marker) ? withMarker(told) : told;
  await maintenance.execute(commentStatement(database, kept));
}

/** Lists of databases carry comments along, some tools show them: beyond this only what nothing can do without is noted. */
const longestNote = 8_000; // bytes

/** The facts as JSON; as many rules as there is room for, and how many more there are. */
function inWords(facts: Description): string {
  const { rules = [] } = facts;
  for (let kept = rules.length; ; kept = Math.floor(kept * 0.8)) {
    const more = rules.length - kept;
    const told = more === 0 ? rules : [...rules.slice(0, kept), `and ${more} more`];
    const text = JSON.stringify({ restage: { ...facts, ...(rules.length === 0 ? {} : { rules: told }) } });
    if (Buffer.byteLength(text) <= longestNote || kept === 0) return text;
  }
}

/** What restage noted on a database; undefined where it made none, or somebody has put another comment there. */
export async function readDescription(maintenance: ReadSession, database: string): Promise<Description | undefined> {
  return descriptionIn(await readRawComment(maintenance, database));
}

/** The comment that people gave a database: its own, or the one that restage's description keeps. */
export function ofPeople(raw: string | undefined): string | undefined {
  const description = descriptionIn(raw);
  return description ? description.comment : raw;
}

/** What restage noted in a comment; undefined for any other. */
export function descriptionIn(comment: string | undefined): Description | undefined {
  try {
    const found = (JSON.parse(comment ?? '') as { restage?: Partial<Description> | null } | null)?.restage; // looked at below
    const { run, source, takenAt } = found ?? {};
    const isOurs = typeof run === 'string' && typeof takenAt === 'string' && typeof source?.host === 'string';
    return isOurs ? (found as Description) : undefined; // restage's own words
  } catch {
    return undefined;
  }
}
