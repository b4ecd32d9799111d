import * as z from 'zod';
import { RestageError } from './errors.ts';
import { ownVersion } from './own-version.ts';
import type { Plan } from './plan.ts';
import { keyPrintOf } from './postgres/mask-key.ts';
import type { SourceDatabase } from './postgres/source.ts';
import { stepsOf, type Report } from './report/report.ts';
import { isRunId } from './run-id.ts';
import { blank } from './unredacted.ts';

// Hours may lie between two parts of a run, and its report lies where others can write: what the next part rests on is looked at first.

const end = z.looseObject({ name: z.string() });
const step = z.looseObject({ id: z.string(), kind: z.string(), outcome: z.looseObject({ status: z.string() }) });
const paused = z.looseObject({
  run: z.string().refine(isRunId),
  restage: z.string(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  jobs: z.number().int().positive(),
  source: end,
  target: end,
  parts: z.array(z.looseObject({ startedAt: z.string(), durationMs: z.number(), loaded: z.number() })).min(1),
  remarks: z.array(z.string()),
  steps: z.array(step),
});

/** Throws `report-invalid` for what is no report of a run that has paused, and `pause-lost` for one of another version of restage. */
export function requireResumable(report: Report): void {
  const { run, outcome, restage } = report;
  if (outcome !== 'paused') throw new RestageError('report-invalid', `run ${run} has not paused: it is ${outcome}`);
  const [problem] = paused.safeParse(report).error?.issues ?? [];
  const lacking = (['create-database', 'copy-schema', 'swap'] as const).find(
    (kind) => !problem && stepsOf(report, kind).length !== 1,
  );
  if (problem || lacking !== undefined)
    throw new RestageError(
      'report-invalid',
      `the report of run ${run} is not that of a run that has paused: ${problem ? `${problem.path.join('.')}: ${problem.message}` : `it has no step ${lacking}`}`,
      { hint: 'It was changed, or is damaged: begin a new run.' },
    );
  if (restage !== ownVersion())
    throw new RestageError(
      'pause-lost',
      `run ${run} was begun by restage ${restage}, and this is ${ownVersion()}: what one has loaded the other does not go on from`,
      { hint: 'Begin a new run.' },
    );
}

/** What was masked by another key is not alike any more, in one database. Throws `pause-lost`. */
export function requireSameMaskKey(report: Report, source: SourceDatabase | undefined): void {
  const then = stepsOf(report, 'swap')[0]?.maskKey;
  const now = keyPrintOf(source?.address.settings);
  if (then === undefined || then === now) return;
  throw new RestageError(
    'pause-lost',
    `database.masks.key is another one than when run ${report.run} began: its print is ${now ?? 'none'}, and was ${then}`,
    { hint: 'Give it the key that it began with, or begin a new run.' },
  );
}

/** Throws `report-invalid` where texts of its steps are blotted out, which only the configuration can put back. */
export function requireUnredacted({ steps }: Pick<Plan, 'steps'>): void {
  const lacking = steps.find((one) => JSON.stringify(one).includes(blank));
  if (lacking)
    throw new RestageError(
      'report-invalid',
      `${lacking.id}: the report was kept without its secrets, and there is no configuration to put them back from`,
      { hint: 'Give resume the config of the run.' },
    );
}
