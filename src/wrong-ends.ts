import { RestageError } from './errors.ts';
import type { Origin } from './postgres/session.ts';
import type { Description } from './postgres/description.ts';
import { mayBeOneDisk, type Identity } from './postgres/target.ts';

/** What of a database says which one it is. */
export interface Recognised {
  readonly origin: Origin;
  readonly identity: Identity;
  /** What restage noted on it, if it made it. */
  readonly description: Description | undefined;
}

/**
 * Throws `target-is-source` where both are one database, or may be as far as anybody can see and nobody has said otherwise,
 * and `ends-swapped` where the source was made from the target. `marked`: the refusal of a target that is protected.
 */
export function refuseWrongEnds(
  from: Recognised,
  to: Recognised & { readonly marked: unknown },
  restoredFromSource: boolean | undefined,
): void {
  const ends = `${describeOrigin(from.origin)} and ${describeOrigin(to.origin)}`;
  if (from.identity.database === to.identity.database)
    throw new RestageError(
      'target-is-source',
      `both ends are the same database, by two names: ${ends}; the server itself says that it is ${to.identity.reachedAt}`,
      { hint: 'target.database in restage.yaml, or the secret that it names, leads to the source.' },
    );
  if (to.marked) throw to.marked;
  if (!to.identity.standby && isKin(from, to) && !restoredFromSource) throw mayBePrimary(from, to);
  const { origin } = to;
  const made = from.description?.source;
  const isNamed = made?.host === origin.host && made.port === origin.port && made.database === origin.database;
  // A copy of the disk of what the source was made from looks like that one.
  const isIt = made?.disk !== undefined && made.disk === to.identity.disk && !restoredFromSource;
  if (isNamed || isIt)
    throw new RestageError(
      'ends-swapped',
      `the ends are the wrong way round: ${describeOrigin(from.origin)} was itself made from ${describeOrigin(origin)}, by the run ${from.description?.run}`,
      {
        hint: `source in restage.yaml is production, target is what is replaced.${isNamed ? '' : ' If the target is a server of its own, restored from the same disk, say target.expect.restoredFromSource: true.'}`,
      },
    );
}

/** A standby and its primary are two servers with one disk, as are a standby and what was restored from either. */
function isKin(from: Recognised, to: Recognised): boolean {
  return from.identity.standby && mayBeOneDisk(from.identity, to.identity);
}

function mayBePrimary(from: Recognised, to: Recognised): RestageError {
  const known = from.identity.disk !== undefined && to.identity.disk !== undefined;
  const why = known
    ? 'both have the same system identifier'
    : 'nothing that can be read tells them apart, as pg_control_system() is closed to one of the roles';
  return new RestageError(
    'target-is-source',
    `the source ${describeOrigin(from.origin)} is a standby, and the target ${describeOrigin(to.origin)} may be its primary: ${why}`,
    {
      hint: `If the target is a server of its own${known ? " that was restored from the source's disk" : ''}, say target.expect.restoredFromSource: true in restage.yaml; or name the primary as the source, which shows for certain that it is another.`,
    },
  );
}

/** Told again in every plan: it is a person's word that stands against what can be seen. */
export function kinNote(from: Recognised, to: Recognised): string[] {
  if (!isKin(from, to)) return [];
  return [
    `the source ${describeOrigin(from.origin)} is a standby, and the target may be its primary but for target.expect.restoredFromSource, which says that it is not: make sure that this is still so`,
  ];
}

/** bluemoxon at host:5432 as user */
export function describeOrigin(origin: Origin): string {
  return `${origin.database} at ${origin.host}:${origin.port} as ${origin.user}`;
}
