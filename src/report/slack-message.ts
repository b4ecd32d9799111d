import type { News } from '../news.ts';
import { bytes, count, counted, duration, moment, sentence } from './format.ts';
import { pausedText } from './parts-text.ts';
import { verdictOf } from './verdict.ts';

/** A message of Slack: `text` for notifications on a telephone, the blocks where it is read. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

type SlackBlock =
  | { readonly type: 'section'; readonly text: Marked }
  | { readonly type: 'context'; readonly elements: readonly Marked[] };

interface Marked {
  readonly type: 'mrkdwn';
  readonly text: string;
}

/** Slack takes 3,000 characters of a block. */
const mostOfBlock = 3000;
const mostOfText = 1000;

const marks = { success: '✓', failure: '✗', paused: '…' } as const;

/** The verdict, when and how long, the figures, the failure with what to do, and what the target holds. */
export function slackMessage(news: News): SlackMessage {
  const { event, failure, holds, report } = news;
  const verdict = `${marks[event]} ${verdictText(news)}`;
  const section = (text: string): SlackBlock => ({ type: 'section', text: { type: 'mrkdwn', text } });
  const next = report?.outcome === 'paused' ? ` ${pausedText(report)}` : '';
  const figures = report ? figuresText(report.figures) : '';
  return {
    text: escapedFor(verdict, mostOfText),
    blocks: [
      section(`*${escapedFor(plainly(verdict), mostOfBlock - 2)}*`),
      { type: 'context', elements: [{ type: 'mrkdwn', text: escapedFor(whenText(news), mostOfBlock) }] },
      ...(failure ? [section(failureText(failure))] : []),
      ...(figures === '' ? [] : [section(figures)]),
      ...(holds === undefined ? [] : [section(escapedFor(`${sentence(holds)}${next}`, mostOfBlock))]),
    ],
  };
}

function verdictText({ event, command, source, target, report, run }: News): string {
  if (report) return verdictOf(report);
  if (command === 'rollback')
    return event === 'success'
      ? `${target} holds its previous database again`
      : `the rollback of ${target} ${run === undefined ? 'did not begin' : 'did not end well'}`;
  return run === undefined
    ? `the refresh of ${target} from ${source} did not begin`
    : `${target} was not refreshed from ${source}`;
}

/** production → staging, 2025-12-22 14:03:11 UTC, 4.2 s, run … */
function whenText({ command, source, target, at, durationMs, run }: News): string {
  const known = [
    command === 'sync' ? `${source} → ${target}` : target,
    moment(at),
    ...(durationMs === undefined ? [] : [duration(durationMs)]),
    ...(run === undefined ? [] : [`run ${run}`]),
  ];
  return known.join(', ');
}

function figuresText({ tables, objects }: NonNullable<News['report']>['figures']): string {
  const parts = [
    ...(tables.planned === 0
      ? []
      : [`${count(tables.copied)} of ${counted(tables.planned, 'table')}, ${counted(tables.rows, 'row')}`]),
    ...(objects.source === 0 && objects.copied === 0
      ? []
      : [`${counted(objects.copied, 'object')} copied, ${bytes(objects.bytes)}`]),
    ...(objects.failed > 0 ? [`${counted(objects.failed, 'object')} failed`] : []),
    ...(objects.deleted > 0 ? [`${counted(objects.deleted, 'object')} deleted`] : []),
  ];
  return parts.join('; ');
}

/** As code, so that no character of a name or a server's words means anything. */
function failureText({ step, message, hint }: NonNullable<News['failure']>): string {
  const where = step === undefined ? '' : `failed at ${code(step, 200)}\n`;
  const why = `\`\`\`${escapedFor(message.replaceAll('```', "'''"), 1800)}\`\`\``;
  return `${where}${why}${hint === undefined ? '' : `\n${escapedFor(hint, 700)}`}`;
}

function code(text: string, most: number): string {
  return `\`${escapedFor(text.replaceAll('`', "'"), most)}\``;
}

/** Without what would end bold text. */
function plainly(text: string): string {
  return text.replaceAll('*', '').replaceAll('\n', ' ');
}

/** The text with what Slack reads as its own escaped, in at most so many characters; no character is cut in two. */
function escapedFor(text: string, most: number): string {
  let told = '';
  for (const character of text.toWellFormed()) {
    const next = entities.get(character) ?? character;
    if (told.length + next.length > most - 1) return `${told}…`;
    told += next;
  }
  return told;
}

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
]);
