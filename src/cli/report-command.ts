import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import {
  fit,
  html,
  json,
  markdown,
  plain,
  RestageError,
  rollbackMarkdown,
  rollbackText,
  runStateText,
  summary,
} from '../index.ts';
import { keptOnOption, parseFormat, parseRunBeginning, type Format, type Place } from './arguments.ts';
import { perform, type GlobalOptions, type Session } from './frame.ts';
import { openFile } from './open-file.ts';
import { findReport, findReportOnLambda, write as keep, type FoundReport } from './report-found.ts';

interface ReportOptions extends GlobalOptions {
  readonly on?: Place;
  readonly format?: Format;
  readonly out?: string;
  readonly open?: boolean;
}

/** `report`: what a run has told, again: one of this folder, or one that the function keeps. */
export function reportCommand(program: Command): void {
  program
    .command('report')
    .description('the report of a run again, the newest unless told otherwise')
    .argument('[run]', 'its id, or the beginning of it', parseRunBeginning)
    .option(...keptOnOption)
    .option('-c, --config <file>', 'the configuration, with --on lambda', 'restage.yaml')
    .option('-f, --format <format>', 'text, md, html or json (default: text; with --open: html)', parseFormat)
    .option('-o, --out <file>', 'write it here instead of printing it')
    .option('--open', 'open it with what this system opens such files with')
    .option('--json', 'the same as --format json')
    .option('-q, --quiet', 'only the answer')
    .option('--debug', 'show where an error came from')
    .addHelpText(
      'after',
      '\nIt reads .restage/runs/<run>/report.json of this folder and speaks to no server;\nwith --on lambda the one under target.lambda.runs, which is in S3.',
    )
    .action((run: string | undefined, options: ReportOptions) =>
      perform(options, (session) => showReport(run, options, session)),
    );
}

async function showReport(
  name: string | undefined,
  options: ReportOptions,
  { terminal, ...session }: Session,
): Promise<number> {
  const { out, open = false, on = 'local' } = options;
  const format = formatOf(options);
  const found = on === 'lambda' ? await findReportOnLambda(session, name) : await findReport(name);
  const { run, newer } = found;
  if (newer)
    terminal.warn(`${terminal.style('warn', 'note:')} a newer run has no report: ${runStateText(newer, Date.now())}`);
  const write = writersOf(found, options, terminal);
  if (out === undefined && !open) {
    if (options.json) terminal.json(found.report);
    else terminal.print(write[format]().trimEnd());
    return 0;
  }
  const file = out ?? found.fileOf(format);
  // What was kept with the run stays as it was.
  if (out !== undefined || !existsSync(file)) keep(file, `${write[format]().trimEnd()}\n`);
  const problem = open ? await openFile(file) : undefined;
  if (problem !== undefined) terminal.warn(`it could not be opened (${problem}): open it by hand`);
  terminal.print(file);
  terminal.json({ run, file });
  return 0;
}

function writersOf(
  { run, report, list }: FoundReport,
  { out }: ReportOptions,
  terminal: Session['terminal'],
): Readonly<Record<Format, () => string>> {
  const [style, width] = out === undefined ? [terminal.style, terminal.width] : [plain, undefined];
  return 'kind' in report
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
