import { RestageError } from '../errors.ts';
import { readKeysIn, readPresentKeys } from '../referenced-keys.ts';
import type { KeySet } from '../s3/key-set.ts';
import type { KeysWanted } from '../selection-of.ts';
import type { Context } from './context.ts';
import { lanesOf } from './database-run.ts';

/**
 * What rows of the new database name, once they are all there; in a run of objects only, what those of the present one do.
 * Throws `config-invalid`, and what a session throws.
 */
export async function readKeysOfRun({ database, ends }: Context, wanted: KeysWanted): Promise<KeySet> {
  if (database)
    return lanesOf(database).withWriter(async (session) => {
      await session.execute('begin transaction isolation level repeatable read, read only');
      const keys = await readKeysIn(session, wanted);
      await session.execute('commit');
      return keys;
    });
  const { database: present } = ends.target;
  if (present) return (await readPresentKeys(present, wanted)).keys;
  throw new RestageError('internal', `what rows name of ${wanted.bucket} is to be read without a database`);
}
