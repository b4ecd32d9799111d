import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  fit,
  html,
  json,
  markdown,
  plain,
  readReport,
  RestageError,
  rollbackMarkdown,
  rollbackText,
  summary,
} from '../index.ts';
import { parseFormat, type Format } from './arguments.ts';
import { findRun } from './find-run.ts';
import { perform, type GlobalOptions } from './frame.ts';
import { openFile } from './open-file.ts';
import { writePrivately } from './private-file.ts';
import { objectsFile } from './run-folder.ts';
import type { Terminal } from './terminal.ts';

interface ReportOptions extends Omit<GlobalOptions, 'config'> {
  readonly format?: Format;
  readonly out?: string;
  readonly open?: boolean;
}

/** `report`: what a run of this folder has told, again. */
export function reportCommand(program: Command): void {
  program
    .command('report')
    .description('the report of a run again, the newest unless told otherwise')
    .argument('[run]', 'its id, or the beginning of it')
    .option('-f, --format <format>', 'text, md, html or json (default: text; with --open: html)', parseFormat)
    .option('-o, --out <file>', 'write it here instead of printing it')
    .option('--open', 'open it with what this system opens such files with')
    .option('--json', 'the same as --format json')
    .option('-q, --quiet', 'only the answer')
    .option('--debug', 'show where an error came from')
    .addHelpText('after', '\nIt reads .restage/runs/<run>/report.json of this folder and speaks to no server.')
    .action((run: string | undefined, options: ReportOptions) =>
      perform({ ...options, config: '' }, async ({ terminal }) => showReport(run, options, terminal)),
    );
}

async function showReport(name: string | undefined, options: ReportOptions, terminal: Terminal): Promise<number> {
  const { out, open = false } = options;
  const format = formatOf(options);
  const { run, folder } = await findRun(name);
  const source = join(folder, 'report.json');
  const report = readReport(await readFile(source, 'utf8'), source);
  const list = existsSync(join(folder, objectsFile)) ? objectsFile : undefined;
  const [style, width] = out === undefined ? [terminal.style, terminal.width] : [plain, undefined];
  const write: Readonly<Record<Format, () => string>> =
    'kind' in report
      ? {
          text: () => fit(rollbackText(report, style), width),
          md: () => rollbackMarkdown(report),
          html: () => refusePage(run),
          json: () => json(report),
        }
      : {
          text: () => fit(summary(report, style), width),
          md: () => markdown(report, list),
          html: () => html(report, { list }),
          json: () => json(report),
        };
  if (out === undefined && !open) {
    if (options.json) terminal.json(report);
    else terminal.print(write[format]().trimEnd());
    return 0;
  }
  const file = out ?? join(folder, `report.${format}`);
  // What was kept with the run stays as it was.
  if (out !== undefined || !existsSync(file)) keep(file, `${write[format]().trimEnd()}\n`);
  const problem = open ? await openFile(file) : undefined;
  if (problem !== undefined) terminal.warn(`it could not be opened (${problem}): open it by hand`);
  terminal.print(file);
  terminal.json({ run, file });
  return 0;
}

function refusePage(run: string): never {
  throw new RestageError('usage', `${run} is a rollback, which has no page`, {
    hint: `restage report ${run} --format md`,
  });
}

/** Throws `usage` for options that say two things. */
function formatOf({ format, json: asJson = false, open = false, out }: ReportOptions): Format {
  if (asJson && format !== undefined && format !== 'json')
    throw new RestageError('usage', `--json is --format json, and cannot be said beside --format ${format}`);
  const chosen = format ?? (asJson ? 'json' : open ? 'html' : 'text');
  if (open && chosen === 'text' && out === undefined)
    throw new RestageError('usage', 'text is printed, and no file that could be opened', {
      hint: 'Leave --format out: --open opens the page. Or say where the text goes: --out FILE',
    });
  return chosen;
}

/** Throws `folder-unwritable`. */
function keep(file: string, text: string): void {
  try {
    writePrivately(file, text);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new RestageError('folder-unwritable', `the report cannot be written to ${file}: ${words}`, { cause: error });
  }
}
