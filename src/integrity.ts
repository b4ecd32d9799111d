import { RestageError } from './errors.ts';
import { judgeDeclared, type Declared, type Fault, type Integrity } from './postgres/integrity.ts';
import { fedKey, lagFault, type SequenceCheck } from './postgres/sequence-lag.ts';

/** The constraints and indexes of a database, and its sequences. */
interface Reading {
  readonly declared: Declared;
  readonly lags: SequenceCheck;
}

/**
 * What a database declares of itself and does not hold. `lags` of the source is asked only where a sequence is behind: one that is
 * at the source too came over as it is, and is told. `before`: the constraints before staging's own commands.
 */
export async function judgeIntegrity(
  now: Reading,
  source: Pick<Reading, 'declared'> & { readonly lags: () => Promise<SequenceCheck> },
  before?: Declared,
): Promise<{ readonly integrity: Integrity; readonly faults: readonly Fault[] }> {
  const { faults, told } = judgeDeclared(now.declared, source.declared, before);
  const { sequences, behind, unread } = now.lags;
  const theirs = new Set(behind.length === 0 ? [] : (await source.lags()).behind.map(fedKey));
  const [asThere, own] = [true, false].map((isThere) => behind.filter((lag) => theirs.has(fedKey(lag)) === isThere));
  const all = [...faults, ...(own ?? []).map(lagFault)];
  const words = [...told, ...(asThere ?? []).map((lag) => `${lagFault(lag).words}, as at the source`), ...unread];
  return {
    integrity: {
      constraints: now.declared.constraints.size,
      indexes: now.declared.indexes.size,
      sequences,
      wrong: all.map((fault) => fault.words),
      ...(words.length > 0 ? { told: words } : {}),
    },
    faults: all,
  };
}

const named = 20;
const mended = 3;

/** `data-differs`, with what would mend it. */
export function unsoundError(database: string, faults: readonly Fault[]): RestageError {
  const more = faults.length > named ? [`and ${faults.length - named} more`] : [];
  return new RestageError(
    'data-differs',
    `what ${database} declares of itself does not hold:\n  ${[...faults.slice(0, named).map(({ words }) => words), ...more].join('\n  ')}`,
    {
      hint: `Mend it in database.afterLoad, or in the migration that left it so: ${faults
        .slice(0, mended)
        .map(({ mend }) => mend)
        .join('; ')}${faults.length > mended ? '; and so on' : ''}`,
    },
  );
}
