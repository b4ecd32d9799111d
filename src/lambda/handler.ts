import { setFlagsFromString } from 'node:v8';
import { failureOf, ownVersion, traceOf, type Invocation, type InvocationResponse } from '../index.ts';
import { peakBytes, type FunctionContext } from './context.ts';
import { openDeadline } from './deadline.ts';
import { openLog } from './log.ts';
import { showCheck, showPlan, showStatus, showVerification } from './looks.ts';
import { metricsLine, type Figures } from './metrics.ts';
import { readEvent, toldOf } from './read-event.ts';
import { fitted, refused } from './response.ts';
import { rollBack } from './roll-back.ts';
import { readSettings } from './settings.ts';
import { sync } from './sync.ts';
import type { Task } from './task.ts';

// As the command line does, and for the same reason: what a run makes is short-lived, and memory is what a function is paid for by.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=40');

const acts: Readonly<Record<Invocation['action'], (task: Task) => Promise<InvocationResponse>>> = {
  check: showCheck,
  plan: showPlan,
  sync: (task) => (task.invocation.dryRun ? showPlan(task) : sync(task)),
  verify: showVerification,
  rollback: rollBack,
  status: showStatus,
};

/**
 * The function. Never throws: what goes wrong is in the answer, with the command line's exit code, and in the log. An invocation that
 * fails as Lambda counts it was killed: out of time, or out of memory.
 */
export async function handler(event: unknown, context: FunctionContext): Promise<InvocationResponse> {
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const startedAt = performance.now();
  const log = openLog(context.awsRequestId, print);
  let figures: Figures = {};
  let target: string | undefined;
  let invocation: Invocation | undefined;
  let response: InvocationResponse;
  log.write({ kind: 'invoked', function: context.functionName, restage: ownVersion(), event: toldOf(event) });
  try {
    invocation = readEvent(event);
    const { action, dryRun } = invocation;
    const changes = (action === 'sync' || action === 'rollback') && !dryRun;
    using deadline = openDeadline(context, action, changes);
    try {
      const { functionName } = context;
      const settings = await readSettings(invocation, {
        environment: process.env,
        functionName,
        signal: deadline.signal,
      });
      target = settings.config.target.name;
      const count = (more: Figures) => void (figures = { ...figures, ...more });
      response = await acts[action]({ invocation, settings, context, deadline, log, count });
    } catch (error) {
      // What ends because the time is over says that it was interrupted.
      throw deadline.signal.aborted && failureOf(error).code !== 'time-over' ? deadline.signal.reason : error;
    }
  } catch (error) {
    const { code } = failureOf(error);
    if (code === 'internal') log.write({ kind: 'fault', trace: traceOf(error) });
    response = refused(error, {
      ...(invocation === undefined ? {} : { action: invocation.action }),
      ...(invocation?.runId === undefined ? {} : { runId: invocation.runId }),
    });
    // A person sits in front of what only looks.
    if (isCounted(invocation)) figures = { ...figures, Succeeded: 0, Failed: 1 };
  }
  const answer = fitted(response);
  const { statusCode, exitCode, error, runId, reportAt } = answer;
  log.write({ kind: 'answered', statusCode, exitCode, error, reportAt });
  print(
    metricsLine({
      function: context.functionName,
      target,
      figures: {
        ...figures,
        DurationMs: Math.round(performance.now() - startedAt),
        RemainingMs: context.getRemainingTimeInMillis(),
        PeakMemoryBytes: peakBytes(),
      },
      properties: { action: invocation?.action, run: runId, requestId: context.awsRequestId, code: error?.code },
    }),
  );
  return answer;
}

/** Whether its failure is one that somebody should be woken for: of what is done, or asked for in a way that is not understood. */
function isCounted(invocation: Invocation | undefined): boolean {
  if (!invocation) return true;
  const { action, dryRun } = invocation;
  return (action === 'sync' && !dryRun) || (action === 'rollback' && !dryRun) || action === 'verify';
}
