import { appendFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  html,
  json,
  markdown,
  RestageError,
  type Event,
  type Plan,
  type PlannedObject,
  type Report,
} from '../index.ts';
import { objectList } from './object-list.ts';

/** Where runs are kept, each in a folder that its id names. */
export const runsFolder = join('.restage', 'runs');

/** The lists of objects of a run: what the plan said of each, and what became of it. */
const files = { planned: 'objects-planned.ndjson', done: 'objects.ndjson' } as const;

/** Beside a report, where objects were copied or deleted. */
export const objectsFile = files.done;

/** A program that never stops writing must not fill the disk. */
const mostOfLog = 16 * 1024 * 1024;

/** Where a run is kept: .restage/runs/<run>/, readable by its owner only. Disposed of before a run began, it is removed. */
export interface RunFolder extends AsyncDisposable {
  planned(object: PlannedObject): void;
  /** A run that is killed can be found by its folder: it is there before the first step. Never throws. */
  listen(event: Event): void;
  /** Keeps the report beside what is there already. Gives its paths for people; throws what the disk says. */
  keep(report: Report, plan: Plan): Promise<string>;
}

/** Makes sure that a run can be kept, before there is one: throws `folder-unwritable`. */
export async function openRunFolder(): Promise<RunFolder> {
  let folder: string;
  try {
    await mkdir(runsFolder, { recursive: true, mode: 0o700 });
    folder = await mkdtemp(join(runsFolder, '.plan-'));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new RestageError('folder-unwritable', `reports cannot be kept under ${runsFolder}: ${words}`, {
      cause: error,
      hint: 'Run restage in a folder that you may write to.',
    });
  }
  let begun = false;
  const lists = {
    planned: objectList(() => join(folder, files.planned)),
    done: objectList(() => join(folder, files.done)),
  };
  const begin = (run: string, plan: Plan) => {
    begun = true;
    lists.planned[Symbol.dispose]();
    try {
      renameSync(folder, join(runsFolder, run));
      folder = join(runsFolder, run);
      writeFileSync(join(folder, 'plan.json'), `${json(plan)}\n`, { mode: 0o600 });
    } catch {
      // keep meets the same
    }
  };
  const written = new Map<string, number>();
  const addLine = (step: string, line: string) => {
    const before = written.get(step) ?? 0;
    if (before > mostOfLog) return;
    const bytes = before + Buffer.byteLength(line) + 1;
    written.set(step, bytes);
    const told =
      bytes > mostOfLog ? `… it wrote more, which is not kept: a log ends at ${mostOfLog / 1024 / 1024} MiB` : line;
    try {
      appendFileSync(join(folder, `${step.replaceAll(' ', '-')}.log`), `${told}\n`, { mode: 0o600 });
    } catch {
      // keep meets the same
    }
  };
  return {
    planned: (object) => lists.planned.add(object),
    listen: (event) => {
      if (event.kind === 'run-started') begin(event.run, event.plan);
      if (event.kind === 'step-output') addLine(event.step.id, event.line);
      if (event.kind === 'object') lists.done.add({ step: event.step.id, ...event.object });
    },
    keep: async (report, plan) => {
      lists.done[Symbol.dispose]();
      const place = join(runsFolder, report.run);
      mkdirSync(place, { recursive: true, mode: 0o700 });
      const write = (name: string, text: string) => writeFile(join(place, name), text, { mode: 0o600 });
      const list = existsSync(join(place, files.done)) ? files.done : undefined;
      await Promise.all([
        write('plan.json', `${json(plan)}\n`),
        write('report.json', `${json(report)}\n`),
        write('report.md', markdown(report, list)),
        write('report.html', html(report, { list })),
      ]);
      const problem = lists.planned.problem ?? lists.done.problem;
      if (problem !== undefined) throw new Error(`a list of objects is not complete: ${problem}`);
      return `${relative('.', join(place, 'report.html'))} and report.md`;
    },
    [Symbol.asyncDispose]: async () => {
      for (const list of Object.values(lists)) list[Symbol.dispose]();
      if (!begun) await rm(folder, { recursive: true, force: true });
    },
  };
}
