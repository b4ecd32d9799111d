import { sqlState } from './session-error.ts';
import type { ReadSession } from './session.ts';

/** Does some reading in a transaction, and gives back what it locked and set, also where the server refuses it. */
export async function undone<T>(session: ReadSession, read: () => Promise<T>): Promise<T> {
  const end = async () => {
    await session.rows('rollback to savepoint undone');
    await session.rows('release savepoint undone');
  };
  await session.rows('savepoint undone');
  try {
    const result = await read();
    await end();
    return result;
  } catch (error) {
    // Without the server's word there is no session any more.
    if (sqlState(error) !== undefined) await end();
    throw error;
  }
}
