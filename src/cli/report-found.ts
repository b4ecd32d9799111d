import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  fetchReport,
  json,
  readReport,
  RestageError,
  type Report,
  type RollbackReport,
  type RunState,
} from '../index.ts';
import type { Format } from './arguments.ts';
import { findRun } from './find-run.ts';
import type { Session } from './frame.ts';
import { openFunctionRuns } from './function-runs.ts';
import { writePrivately } from './private-file.ts';
import { objectsFile, runsFolder } from './run-folder.ts';

/** A report that was asked for, and where its forms are kept here. */
export interface FoundReport {
  readonly run: string;
  readonly report: Report | RollbackReport;
  /** The list of objects beside it. */
  readonly list: string | undefined;
  /** The file of a form, in the folder of the run, which it makes where there is none. */
  readonly fileOf: (format: Format) => string;
  /** A newer run, which has no report. */
  readonly newer?: RunState | undefined;
}

/** Of the runs of this folder. Throws `run-missing`, `report-invalid`. */
export async function findReport(name: string | undefined): Promise<FoundReport> {
  const { run, folder } = await findRun(name);
  const source = join(folder, 'report.json');
  return {
    run,
    report: readReport(await readFile(source, 'utf8'), source),
    list: existsSync(join(folder, objectsFile)) ? objectsFile : undefined,
    fileOf: (format) => join(folder, `report.${format}`),
  };
}

/** Of those that the function keeps. */
export async function findReportOnLambda(
  session: Pick<Session, 'file' | 'signal'>,
  name: string | undefined,
): Promise<FoundReport> {
  const { runs, target } = await openFunctionRuns(session);
  using store = runs;
  const { run, report, newer } = await fetchReport(store, target, name);
  const folder = join(runsFolder, run);
  return {
    run,
    report,
    list: undefined,
    newer,
    fileOf: (format) => {
      const own = join(folder, 'report.json');
      // Where the run was followed from here, its report has more than the function's part.
      if (existsSync(own)) return join(folder, `function.${format}`);
      write(own, `${json(report)}\n`, folder);
      return join(folder, `report.${format}`);
    },
  };
}

/** Throws `folder-unwritable`. */
export function write(file: string, text: string, folder?: string): void {
  try {
    if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
    writePrivately(file, text);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new RestageError('folder-unwritable', `the report cannot be written to ${file}: ${words}`, { cause: error });
  }
}
