import { failureOf } from '../errors.ts';
import { withoutForcedPolicies } from '../postgres/unforced.ts';
import { checkReferences, referencesError, type Reading } from '../references.ts';
import type { Perform } from './context.ts';
import { openIncoming, requireDatabase } from './database-run.ts';
import { pair } from './objects.ts';

/** That the keys which rows name are those of objects in the target. */
export const referenceSteps: Perform<'verify-references'> = {
  'verify-references': async ({ bucket, columns, selection }, context) => {
    const state = requireDatabase(context.database);
    const { signal } = context;
    const reading: Reading = async (work) => {
      await using session = await openIncoming(state, signal);
      return await withoutForcedPolicies(session, () => work(session));
    };
    const until = context.facts('copy-objects').find((copied) => copied.bucket === bucket)?.listedAt;
    const facts = await checkReferences(reading, pair(context, bucket), { bucket, columns, selection, until, signal });
    const error = referencesError(facts, selection);
    return error ? { facts, failure: failureOf(error) } : { facts };
  },
};
