import { lettingLocksGo } from '../postgres/catalog.ts';
import { copyLargeObjects, digestLargeObjects, removeLargeObjects } from '../postgres/large-objects.ts';
import type { Perform } from './context.ts';
import { lanesOf, requireDatabase } from './database-run.ts';

/** Large objects, which no table holds. */
export const largeObjectSteps: Perform<'copy-large-objects'> = {
  'copy-large-objects': (step, { database, progress, signal }) => {
    let bytes = 0;
    const state = requireDatabase(database);
    const lanes = lanesOf(state);
    return lanes.withReader((reader) =>
      lanes.withWriter(async (writer) => {
        if (state.earlier) await removeLargeObjects(writer);
        const copied = await copyLargeObjects(reader, writer, {
          onBytes: (more) => progress(step, { bytes: (bytes += more) }),
          signal,
        });
        const [source, target] = await Promise.all([
          lettingLocksGo(reader, () => digestLargeObjects(reader)),
          digestLargeObjects(writer),
        ]);
        return { facts: { objects: target.rows, bytes: copied.bytes, source, target } };
      }),
    );
  },
};
