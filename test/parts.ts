import { readFile } from 'node:fs/promises';
import { connect, type Event, loadConfig, newRunId, plan, type Plan, type Report, RestageError } from '../src/index.ts';
import type { Deadline } from '../src/deadline.ts';
import { resumeWithin } from '../src/resume.ts';
import { runPart } from '../src/run-part.ts';

/** When a part's time is over: the first event that it is true of. */
export type IsOver = (event: Event) => boolean;

export interface PartSettings {
  /** Absent: it has all the time that it needs. */
  readonly isOver?: IsOver;
  /** What is left of its time as it says, from 0 to 1. */
  readonly left?: () => number;
  readonly mayPause?: boolean;
  readonly listen?: (event: Event) => void;
  readonly signal?: AbortSignal;
}

/** The first part of a run. */
export function firstPart(
  configFile: string,
  settings: PartSettings = {},
  change = (made: Plan) => made,
): Promise<Report> {
  return within(configFile, settings, async (config, ends, deadline, options) =>
    runPart(change(await plan(config, ends)), ends, { id: newRunId(), deadline, ...options }),
  );
}

/** The next part of a run, by its report as it was kept. */
export function nextPart(configFile: string, paused: Report, settings: PartSettings = {}): Promise<Report> {
  const kept = JSON.parse(JSON.stringify(paused)) as Report;
  return within(configFile, settings, (config, ends, deadline, options) =>
    resumeWithin(deadline, kept, ends, { ...options, config }),
  );
}

type Connected = Awaited<ReturnType<typeof connect>>;

async function within(
  configFile: string,
  { isOver = () => false, left = () => 1, mayPause = true, listen = () => {}, signal }: PartSettings,
  perform: (
    config: ReturnType<typeof loadConfig>,
    ends: Connected,
    deadline: Deadline,
    options: { readonly mayPause: boolean; readonly listen: (event: Event) => void; readonly signal?: AbortSignal },
  ) => Promise<Report>,
): Promise<Report> {
  const over = new AbortController();
  const deadline = { signal: over.signal, left: () => (over.signal.aborted ? 0 : left()), [Symbol.dispose]: () => {} };
  const config = loadConfig(await readFile(configFile, 'utf8'), { variables: {} });
  using ends = await connect(config);
  return await perform(config, ends, deadline, {
    mayPause,
    listen: (event) => {
      listen(event);
      if (isOver(event)) over.abort(new RestageError('time-over', 'the time is over'));
    },
    ...(signal ? { signal } : {}),
  });
}

/** When so many tables have been loaded that were not before. */
export function loaded(tables: number): IsOver {
  let ended = 0;
  return (event) => {
    if (event.kind !== 'step-ended' || event.step.kind !== 'copy-table') return false;
    const { outcome } = event.step;
    if (outcome.status === 'done' && outcome.facts.since === undefined) ended += 1;
    return ended >= tables;
  };
}

/** When a step of that id has ended; or begun. */
export function at(kind: 'step-ended' | 'step-started', id: string): IsOver {
  return (event) => event.kind === kind && event.step.id === id;
}
