import { allOf } from './all-of.ts';
import type { Config } from './config.ts';
import type { DriftReport } from './drift.ts';
import { refuseOld } from './plan-readings.ts';
import { readTables } from './postgres/catalog.ts';
import { compareObjects } from './postgres/drift/compare-objects.ts';
import { readObjects } from './postgres/drift/read-objects.ts';
import { readSkipped } from './postgres/rules/skip.ts';
import type { ReadSession } from './postgres/session.ts';
import type { SourceDatabase } from './postgres/source.ts';
import type { TargetDatabase } from './postgres/target.ts';
import { readVersionTables, revisionOf } from './postgres/version-tables.ts';
import { counted } from './report/format.ts';
import { resolveRules } from './resolve-rules.ts';

/** Reads both schemas at the same time, each in a transaction of its own, and compares them. Throws as `drift`. */
export async function compareSchemas(
  config: Config,
  source: SourceDatabase,
  target: TargetDatabase,
  {
    names,
    signal,
  }: { readonly names: Readonly<Record<'source' | 'target', string>>; readonly signal: AbortSignal | undefined },
): Promise<DriftReport> {
  const { skipExtensions, grants, tables } = config.database;
  const options = { label: 'drift', access: 'read-only', signal } as const;
  await using moment = await source.snapshot(options);
  const ours = moment.session;
  await using theirs = await target.session(options);
  refuseOld(ours.origin);
  refuseOld(theirs.origin, 'target');
  await theirs.execute('begin transaction isolation level repeatable read, read only');
  const readAt = new Date().toISOString();
  const [from, to] = await allOf([
    readSchema(ours, async () => {
      const { skip } = resolveRules(tables, await readTables(ours, skipExtensions));
      return {
        tables: skip.length,
        skip: await readSkipped(ours, skip),
        objects: await readObjects(ours, { roles: grants }),
      };
    }),
    readSchema(theirs, async () => ({ objects: await readObjects(theirs) })),
  ]);
  return {
    version: 1,
    madeAt: new Date().toISOString(),
    source: { name: names.source, origin: ours.origin, readAt: moment.takenAt, ...from.revision },
    target: { name: names.target, origin: theirs.origin, readAt, ...to.revision },
    drift: compareObjects(from.objects, to.objects, { skip: from.skip, skipExtensions }),
    leftOut: [
      ...(from.tables === 0 ? [] : [`${counted(from.tables, 'table')} that database.tables skips`]),
      ...(skipExtensions.length === 0 ? [] : [`extensions by database.skipExtensions: ${skipExtensions.join(', ')}`]),
    ],
  };
}

async function readSchema<T>(session: ReadSession, read: () => Promise<T>) {
  const revision = revisionOf(await readVersionTables(session));
  return { ...(await read()), revision: revision === undefined ? {} : { revision } };
}
