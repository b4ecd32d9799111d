import { failureOf, RestageError } from '../errors.ts';
import { judgeIntegrity, unsoundError } from '../integrity.ts';
import { readDeclared } from '../postgres/integrity.ts';
import { readLags } from '../postgres/sequence-lag.ts';
import { withoutForcedPolicies } from '../postgres/unforced.ts';
import type { Perform } from './context.ts';
import { openIncoming, requireDatabase } from './database-run.ts';

/** That what the new database declares of itself holds. */
export const integritySteps: Perform<'verify-integrity'> = {
  'verify-integrity': async (_step, { database, facts, signal }) => {
    const state = requireDatabase(database);
    const { source, copied } = state.declared;
    if (!source) throw new RestageError('internal', 'constraints are to be judged without those of the source');
    await using session = await openIncoming(state, signal);
    const declared = await readDeclared(session);
    const lags = await withoutForcedPolicies(session, () => readLags(session));
    const lagsOfSource = async () => {
      await using moment = await state.source.snapshot({ label: state.run, signal });
      return await readLags(moment.session);
    };
    const isMigrated = facts('migrate-incoming').length > 0;
    const { integrity, faults } = await judgeIntegrity(
      { declared, lags },
      { declared: source, lags: lagsOfSource },
      isMigrated ? copied : undefined,
    );
    if (faults.length === 0) return { facts: integrity };
    return { facts: integrity, failure: failureOf(unsoundError(state.names.incoming, faults)) };
  },
};
