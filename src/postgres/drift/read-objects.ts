import type { RoleMap } from '../named-roles.ts';
import { displayTable } from '../names.ts';
import type { ReadSession } from '../session.ts';
import { catalogObjects, type CatalogObject } from './catalog.ts';
import { describe } from './describe.ts';
import type { SchemaObject, SchemaObjects } from './schema-objects.ts';

export interface ReadOptions {
  /** Roles of this database, and those of the other one that stand for them; any other stands for itself. */
  readonly roles?: RoleMap;
}

/**
 * What a database is made of, by one query of its catalog, in a transaction of the session. Locks are let go at once, and a
 * failure leaves the transaction as it was. Without the system's objects, those that extensions made, owners, grants, comments,
 * and how values are stored. Throws `statement-failed` where the catalog is closed to the role.
 */
export async function readObjects(session: ReadSession, { roles = {} }: ReadOptions = {}): Promise<SchemaObjects> {
  await session.rows('savepoint objects');
  let rows: readonly { readonly parts: string | null }[];
  try {
    rows = await session.rows<{ parts: string | null }>(catalogObjects);
  } finally {
    // Nothing to put back where the session is gone.
    if (!session.wire.lost) {
      await session.rows('rollback to savepoint objects');
      await session.rows('release savepoint objects');
    }
  }
  const parents = new Map<string, readonly string[]>();
  const objects = rows.map(({ parts, ...row }) => {
    const object = { ...row, parts: parts === null ? null : JSON.parse(parts) } as CatalogObject; // as the query has built it
    const described = describe(object, roles);
    if (object.kind === 'table' && object.parts.parents) parents.set(described.name, object.parts.parents.map(placed));
    return described;
  });
  return { version: Number.parseInt(session.origin.version, 10), objects: withParents(objects, parents) };
}

function placed([schema, name]: readonly [string, string]): string {
  return displayTable({ schema, name });
}

/** Columns that are as a parent's of the same name are marked. */
function withParents(
  objects: readonly SchemaObject[],
  parents: ReadonlyMap<string, readonly string[]>,
): readonly SchemaObject[] {
  if (parents.size === 0) return objects;
  const columns = new Map(
    objects.flatMap(({ kind, name, definition }) => (kind === 'column' ? [[name, definition] as const] : [])),
  );
  return objects.map((object): SchemaObject => {
    const { kind, table = '', name, definition } = object;
    const above = kind === 'column' ? (parents.get(table) ?? []) : [];
    const isSame = above.some((parent) => columns.get(`${parent}${name.slice(table.length)}`) === definition);
    return isSame ? { ...object, ofParent: true } : object;
  });
}
