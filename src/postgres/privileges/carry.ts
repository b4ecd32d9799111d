import { allOf } from '../../all-of.ts';
import { applyStatements, type Refusal } from './apply.ts';
import { defaultStatementsFor, statementsFor } from './statements.ts';
import { tellings, type CarriedPrivileges, type Tellings } from './tellings.ts';
import { usualOwners, wishesFor, type NewcomerRules, type Sides, type Wish } from './wishes.ts';
import { readColumnKeys, readLargeObjectPrivileges, readPrivileges, type Privileges } from './read.ts';
import { readRoles, type Roles } from '../roles.ts';
import type { ReadSession, Session } from '../session.ts';

export interface CarryRules {
  /** Who owns what staging did not have; absent: whoever owns most of the same schema. */
  readonly owner?: string | undefined;
  /** The source's roles, and the target's that get their grants on what staging did not have. */
  readonly grants: Readonly<Record<string, string>>;
}

/** Large objects that are looked at together. */
const page = 1000;

/**
 * Gives everything in a new database the owner, the grants and the default privileges that it has in the one it
 * replaces; and what is new, those that the source gives it. What the server refuses is told, and stops nothing.
 */
export async function carryPrivileges(
  {
    incoming,
    staging,
    source,
  }: { readonly incoming: Session; readonly staging: ReadSession; readonly source: ReadSession },
  { owner, grants }: CarryRules,
): Promise<CarriedPrivileges> {
  const [roles, before, origins] = await allOf([readRoles(incoming), readPrivileges(staging), readPrivileges(source)]);
  const told = tellings(roles);
  const usual = usualOwners(before);
  const rules: NewcomerRules = { grants, roles, ownerOf: (object) => owner ?? usual(object) };
  const decide = (sides: Sides): readonly Wish[] => {
    const { wishes, unknown } = wishesFor(sides, rules);
    told.unknown(unknown);
    return wishes;
  };

  // Of large objects there may be millions: one page of them after the other.
  for (let oids = await readLargeObjects(incoming, '0'); oids.length > 0;) {
    const read = (session: ReadSession) => readLargeObjectPrivileges(session, oids);
    const [now, present, origin] = [await read(incoming), await read(staging), await read(source)];
    const sides = {
      incoming: now,
      staging: { ...present, defaults: before.defaults },
      source: origin,
      columns: noColumns,
    };
    await converge(incoming, roles, told, decide(sides), now.defaults, { now, read: () => read(incoming) });
    oids = await readLargeObjects(incoming, oids.at(-1) ?? '');
  }
  const now = await readPrivileges(incoming);
  const wishes = decide(await compare(incoming, now, staging, before, origins));
  await converge(incoming, roles, told, wishes, before.defaults, { now, read: () => readPrivileges(incoming) });
  return told.result();
}

/** The three databases' privileges, with the columns that are to have some and exist. */
async function compare(
  session: ReadSession,
  incoming: Privileges,
  present: ReadSession,
  staging: Privileges,
  source: Privileges,
): Promise<Sides> {
  const granted = [...staging.objects.values(), ...source.objects.values()].filter(({ kind }) => kind === 'column');
  const columns = {
    incoming: await readColumnKeys(session, incoming, granted),
    staging: await readColumnKeys(present, staging, granted),
  };
  return { incoming, staging, source, columns };
}

const noColumns: Sides['columns'] = { incoming: new Set(), staging: new Set() };

async function readLargeObjects(session: ReadSession, after: string): Promise<string[]> {
  const rows = await session.rows<{ oid: string }>(
    `select oid from pg_largeobject_metadata where oid > $1::oid order by oid limit ${page}`,
    [after],
  );
  return rows.map(({ oid }) => oid);
}

/**
 * Compares, mends, and compares again until nothing is left that has not been tried: an owner that could not be given
 * leaves grants to be made instead, and a server may answer a grant with a mere warning that it made none.
 */
async function converge(
  session: Session,
  roles: Roles,
  told: Tellings,
  wishes: readonly Wish[],
  defaults: Privileges['defaults'],
  incoming: { now: Privileges; readonly read: () => Promise<Privileges> },
): Promise<void> {
  const kept = new Set<string>();
  const tried = new Map<string, Refusal | undefined>();
  for (;;) {
    const { objects } = incoming.now;
    const current = wishes.map((wish) => ({ ...wish, has: objects.get(wish.has.key) ?? wish.has }));
    const { statements, withheld, extensions } = statementsFor(current, roles, kept);
    const all = [...statements, ...defaultStatementsFor(incoming.now, defaults, roles)];
    const left = all.filter(({ sql }) => !tried.has(sql));
    if (left.length === 0) {
      told.withheld(withheld);
      told.extensions(extensions);
      told.ineffective(all.filter(({ sql }) => tried.get(sql) === undefined));
      return;
    }
    const refusals = new Map((await applyStatements(session, left)).map((refusal) => [refusal.statement, refusal]));
    for (const statement of left) {
      const refusal = refusals.get(statement);
      tried.set(statement.sql, refusal);
      if (refusal && statement.gives !== undefined) kept.add(statement.gives);
    }
    told.done(left.filter((statement) => !refusals.has(statement)));
    told.refused([...refusals.values()]);
    incoming.now = await incoming.read();
  }
}
