import type { Ends } from './connect.ts';
import { deadlineAt } from './deadline.ts';
import { RestageError } from './errors.ts';
import type { Plan } from './plan.ts';
import type { Report } from './report/report.ts';
import { newRunId, requireRunId } from './run-id.ts';
import type { RunOptions } from './run-options.ts';
import { runPart } from './run-part.ts';

export type { RunOptions };

/**
 * Executes a plan. A step that fails stops the others at once; then the target is put back as it was, unless
 * everything was verified before. Failures are told in the Report.
 * Throws only for what stops it from starting: the plan's own refusals, `run-in-progress`, `protected`, whatever the target's
 * server refuses at once, `migrate-failed` where a program of a command is not there, and `usage` for an id that is none.
 */
export async function run(plan: Plan, ends: Ends, options: RunOptions = {}): Promise<Report> {
  const [refusal] = plan.refusals ?? [];
  if (refusal) throw new RestageError(refusal.code, refusal.message, { hint: refusal.hint });
  using deadline = deadlineAt(options.until);
  return await runPart(plan, ends, { ...options, id: requireRunId(options.id ?? newRunId()), deadline });
}
