import type { Invocation, RunFunction, RunState } from '../index.ts';
import { memoryBytesOf, peakBytes, type FunctionContext } from './context.ts';
import type { Deadline } from './deadline.ts';
import type { Log } from './log.ts';
import type { Figures } from './metrics.ts';
import type { Settings } from './settings.ts';

/** What an invocation works with. */
export interface Task {
  readonly invocation: Invocation;
  readonly settings: Settings;
  readonly context: FunctionContext;
  readonly deadline: Deadline;
  readonly log: Log;
  /** Counted for CloudWatch when the invocation ends. */
  readonly count: (figures: Figures) => void;
}

/** The function that a run is in, for its report; `before`: what its earlier parts were. */
export function functionOf(
  { context, deadline }: Pick<Task, 'context' | 'deadline'>,
  before?: RunFunction,
): RunFunction {
  const { awsRequestId, functionName: name, logGroupName: logGroup, logStreamName: logStream } = context;
  const peak = peakBytes();
  return {
    name,
    requestIds: [...(before?.requestIds ?? []), awsRequestId],
    memoryBytes: memoryBytesOf(context),
    peakBytes: Math.max(peak, before?.peakBytes ?? 0),
    timeoutSeconds: deadline.timeoutSeconds,
    ...(logGroup === undefined ? {} : { logGroup }),
    ...(logStream === undefined ? {} : { logStream }),
  };
}

/** The function in words, e.g. in a plan's notes. */
export function whose({ context }: Pick<Task, 'context'>): string {
  return `the function ${context.functionName}`;
}

/** The part of an event that the library knows; undefined: all of it. */
export function partOf({ only }: Invocation): 'database' | 'objects' | undefined {
  return only === 'database' || only === 'objects' ? only : undefined;
}

/** The state of a run that this invocation begins. */
export function firstState({ invocation, settings, context, deadline }: Task, run: string): RunState {
  const now = new Date().toISOString();
  const { logGroupName: logGroup, logStreamName: logStream } = context;
  return {
    run,
    action: invocation.action === 'rollback' ? 'rollback' : 'sync',
    target: settings.config.target.name,
    configPrint: settings.print,
    begunBy: invocation.begunBy ?? (invocation.configPrint === undefined ? 'event' : 'command'),
    phase: 'planning',
    part: 1,
    function: {
      name: context.functionName,
      requestId: context.awsRequestId,
      memoryBytes: memoryBytesOf(context),
      ...(logGroup === undefined ? {} : { logGroup }),
      ...(logStream === undefined ? {} : { logStream }),
    },
    startedAt: now,
    updatedAt: now,
    deadline: new Date(deadline.endsAt).toISOString(),
    pieces: 0,
  };
}
