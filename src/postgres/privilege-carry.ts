import { applyStatements, type Refusal } from './privilege-apply.ts';
import { defaultStatementsFor, statementsFor } from './privilege-statements.ts';
import { tellings, type CarriedPrivileges, type Tellings } from './privilege-tellings.ts';
import { usualOwners, wishesFor, type NewcomerRules, type Sides } from './privilege-wishes.ts';
import { readColumnKeys, readLargeObjectPrivileges, readPrivileges, type Privileges } from './privileges.ts';
import { readRoles, type Roles } from './roles.ts';
import type { ReadSession, Session } from './session.ts';

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
  const roles = await readRoles(incoming);
  const before = await readPrivileges(staging);
  const fromSource = await readPrivileges(source);
  const all = await readPrivileges(incoming);
  const columns = [...before.objects.values(), ...fromSource.objects.values()].filter(({ kind }) => kind === 'column');
  const columnKeys = {
    incoming: await readColumnKeys(incoming, all, columns),
    staging: await readColumnKeys(staging, before, columns),
  };
  const usual = usualOwners(before);
  const rules: NewcomerRules = { grants, roles, ownerOf: (object) => owner ?? usual(object) };
  const told = tellings(roles);

  // Large objects first: a page of them at a time, all of them being alike in that nothing else hangs on them.
  for (let last = '0'; ;) {
    const oids = await readLargeObjects(incoming, last);
    if (oids.length === 0) break;
    last = oids.at(-1) ?? last;
    const objectsAt = async (session: ReadSession, defaults: Privileges['defaults']): Promise<Privileges> => ({
      ...(await readLargeObjectPrivileges(session, oids)),
      defaults,
    });
    const sides = { staging: await objectsAt(staging, before.defaults), source: await objectsAt(source, new Map()) };
    await converge(incoming, roles, told, async () => {
      const now = { ...sides, incoming: await objectsAt(incoming, new Map()), columns: noColumns };
      return { now, rules, defaults: false };
    });
  }
  let first: Privileges | undefined = all;
  await converge(incoming, roles, told, async () => {
    const now = first ?? (await readPrivileges(incoming));
    first = undefined;
    return { now: { incoming: now, staging: before, source: fromSource, columns: columnKeys }, rules, defaults: true };
  });
  return told.result();
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
  incoming: Session,
  roles: Roles,
  told: Tellings,
  look: () => Promise<{ readonly now: Sides; readonly rules: NewcomerRules; readonly defaults: boolean }>,
): Promise<void> {
  const kept = new Set<string>();
  const tried = new Map<string, Refusal | undefined>();
  for (;;) {
    const { now, rules, defaults } = await look();
    const { wishes, unknown } = wishesFor(now, rules);
    const { statements, withheld } = statementsFor(wishes, roles, kept);
    const all = [...statements, ...(defaults ? defaultStatementsFor(now.incoming, now.staging, roles) : [])];
    const left = all.filter(({ sql }) => !tried.has(sql));
    if (left.length === 0) {
      told.withheld(withheld);
      told.unknown(unknown);
      told.ineffective(all.filter(({ sql }) => tried.get(sql) === undefined));
      return;
    }
    const refusals = new Map((await applyStatements(incoming, left)).map((refusal) => [refusal.statement, refusal]));
    for (const statement of left) {
      const refusal = refusals.get(statement);
      tried.set(statement.sql, refusal);
      if (refusal && statement.gives !== undefined) kept.add(statement.gives);
    }
    told.done(left.filter((statement) => !refusals.has(statement)));
    told.refused([...refusals.values()]);
  }
}
