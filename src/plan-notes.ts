import { isSameDatabase } from './last-run.ts';
import type { Table } from './postgres/catalog.ts';
import type { TextSettings } from './postgres/database-properties.ts';
import { displayTable, quoteName, quoteTable } from './postgres/names.ts';
import type { Roles } from './postgres/roles.ts';
import type { Origin } from './postgres/session.ts';
import { someOf } from './postgres/some-of.ts';
import type { OpenSessions } from './postgres/target.ts';
import type { SourceReading, TargetReading } from './plan-readings.ts';
import { describeOrigin } from './wrong-ends.ts';

// What a reader of the plan should know of both databases before agreeing, each in a whole sentence.

export function poolerNotes(from: SourceReading, to: TargetReading): string[] {
  return [from, to.pooled && { pooled: true, origin: to.facts.origin }].flatMap((end) =>
    end && end.pooled
      ? [
          `a connection pooler in session mode is between restage and ${describeOrigin(end.origin)}: it must have room for all of restage's sessions`,
        ]
      : [],
  );
}

export function textNotes(from: TextSettings, to: TextSettings): string[] {
  const plain = (order: string) => order.toLowerCase().replaceAll('-', '');
  return [
    ...(from.encoding === to.encoding
      ? []
      : [
          `the source's text is ${from.encoding} and the target's is ${to.encoding}: a character that it lacks stops the copy`,
        ]),
    ...(plain(from.order) === plain(to.order)
      ? []
      : [`the source sorts text by ${from.order} and the target by ${to.order}, as it does now`]),
  ];
}

export function superuserNote(names: readonly string[], { facts }: TargetReading): string[] {
  if (facts.superuser || names.length === 0) return [];
  return [
    `made only where the target's server lets ${facts.origin.user} do what elsewhere a superuser does: ${someOf(names)}`,
  ];
}

/** The swap cannot be done while a session is there that this role may not end. */
export function lastingNotes({ facts: { origin, sessions } }: TargetReading): string[] {
  const lasting = Map.groupBy(
    sessions.filter(({ mayEnd }) => !mayEnd),
    ({ user }) => user,
  );
  if (lasting.size === 0) return [];
  const sum = (some: readonly OpenSessions[]) => some.reduce((total, { count }) => total + count, 0);
  const whose = [...lasting].map(([user, some]) => `${user} (${sum(some)})`).join(', ');
  return [
    `${origin.user} may not end these sessions with ${origin.database}, and the swap fails while they are there: ${whose}. End them before; or as a superuser or RDS's master user: grant pg_signal_backend to ${quoteName(origin.user)}`,
  ];
}

/** Tables that staging alone has are in the previous database afterwards, for as long as that is kept. */
export function goneNote(source: readonly Table[], target: readonly Table[], { database }: Origin): string[] {
  const known = new Set(source.map(({ table }) => quoteTable(table)));
  const gone = target.filter(({ table, rows }) => rows > 0 && !known.has(quoteTable(table)));
  if (gone.length === 0) return [];
  return [
    `only ${database} has these tables, and the new database will not: ${someOf(gone.map(({ table }) => displayTable(table)))}`,
  ];
}

export function ownerNote(owner: string | undefined, { own, byName }: Roles, { user }: Origin): string[] {
  if (owner === undefined || byName.get(owner)?.settable || byName.get(own)?.superuser) return [];
  return [
    `database.owner is ${owner}, whose member ${user} is not: what staging did not have before stays ${user}'s, granted to ${owner}`,
  ];
}

/** That what is there now was never accepted, and how to have what was. */
export function acceptanceNote({ description, facts, databases }: TargetReading): string[] {
  if (!description || description.acceptedAt) return [];
  const { run, failed } = description;
  const why =
    failed === undefined
      ? 'which did not end: nothing after its swap was verified'
      : `whose ${failed} failed; database.onFailure kept it, not accepted`;
  const before = databases.previous.find((one) => one.run === run);
  const back = before
    ? `. What it replaced is still there as ${before.name}: restage rollback ${before.run} puts it back`
    : '';
  return [`${facts.origin.database} was put in place by the run ${run}, ${why}${back}`];
}

/** A source that nothing is known of, where another one served before: that may be meant, or the wrong place. */
export function otherSourceNote(from: SourceReading, { description, facts }: TargetReading): string[] {
  if (!description?.acceptedAt || isSameDatabase(description.source, from.origin)) return [];
  const { database, host, port } = description.source;
  return [
    `the last refresh of ${facts.origin.database} was from ${database} at ${host}:${port}, and the source is ${describeOrigin(from.origin)} now: nothing says what that has lost`,
  ];
}

/** A key that is another one makes of every value another one, also of those that staging is known by. */
export function otherKeyNote(maskKey: string | undefined, { description, facts }: TargetReading): string[] {
  if (maskKey === undefined || description?.maskKey === undefined || description.maskKey === maskKey) return [];
  return [
    `${facts.origin.database} was masked with another key than database.masks.key is now: every masked value becomes another one, and carry finds none of its rows by a masked value`,
  ];
}
