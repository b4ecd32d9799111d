import { randomUUID } from 'node:crypto';
import { hostname, totalmem } from 'node:os';
import type { FunctionContext } from './context.ts';

/** A task has no time-out. As many milliseconds as a timer can wait for, less some: 24 days. */
const endlessMs = 24 * 24 * 3600 * 1000;

/** What ECS says of a task, and of its container; nothing is relied on. */
interface TaskFacts {
  readonly Family?: string;
  readonly TaskARN?: string;
  readonly Limits?: { readonly Memory?: number };
}
interface ContainerFacts {
  readonly LogOptions?: Readonly<Record<string, string>>;
}

/** The context of a run in a container: of its task, where ECS says something of it; else of the machine. */
export async function taskContext(environment: Readonly<Record<string, string | undefined>>): Promise<FunctionContext> {
  const place = environment['ECS_CONTAINER_METADATA_URI_V4'];
  const [task, container] = place
    ? await Promise.all([read<TaskFacts>(`${place}/task`), read<ContainerFacts>(place)])
    : [];
  const logs = container?.LogOptions;
  const [group, stream] = [logs?.['awslogs-group'], logs?.['awslogs-stream']];
  return {
    awsRequestId: task?.TaskARN?.split('/').at(-1) ?? randomUUID(),
    functionName: task?.Family ?? hostname(),
    memoryLimitInMB: task?.Limits?.Memory ?? Math.round(memoryBytes() / 2 ** 20),
    ...(group === undefined ? {} : { logGroupName: group }),
    ...(stream === undefined ? {} : { logStreamName: stream }),
    getRemainingTimeInMillis: () => endlessMs,
  };
}

/** The container's limit; without one the machine's whole memory. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

async function read<T>(url: string): Promise<T | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? ((await answer.json()) as T) : undefined; // every part of it may be missing
  } catch {
    return undefined;
  }
}
