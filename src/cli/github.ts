import { appendFileSync, statSync } from 'node:fs';
import { redact } from '../index.ts';

export type AnnotationLevel = 'error' | 'warning' | 'notice';

/** What GitHub Actions shows of a command beside its log: a page, and a line for each thing that matters. Nothing anywhere else. */
export interface GitHub {
  /** Markdown for the page of the job's run. */
  summary(markdown: string): void;
  /** A line at the top of that page; of each level the first ten, as GitHub shows no more. */
  annotate(level: AnnotationLevel, texts: readonly string[]): void;
}

export interface GitHubPlace {
  readonly environment: NodeJS.ProcessEnv;
  /** The command as it is called in what GitHub shows, e.g. `restage sync`. */
  readonly title: string;
  /** Writes a line that the runner reads. */
  readonly write: (line: string) => void;
  readonly warn: (text: string) => void;
}

/** GitHub takes 1 MiB of all that one step writes. */
const mostBytes = 1024 * 1024;
/** And shows so many annotations of a level. */
const mostShown = 10;
const longest = 4000;

export function openGitHub({ environment, title, write, warn }: GitHubPlace): GitHub {
  if (environment['GITHUB_ACTIONS'] !== 'true') return { summary: () => {}, annotate: () => {} };
  const file = environment['GITHUB_STEP_SUMMARY'];
  return {
    summary: (markdown) => {
      if (file === undefined || file === '') return;
      try {
        const there = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        appendFileSync(file, fitted(`${redact(markdown)}\n`, mostBytes - there));
      } catch (error) {
        warn(`the summary for GitHub could not be written: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    annotate: (level, texts) => {
      const shown = texts.length > mostShown ? texts.slice(0, mostShown - 1) : texts;
      const rest = texts.length - shown.length;
      const all = rest > 0 ? [...shown, `and ${rest} more, which the log and the summary have`] : shown;
      for (const text of all)
        write(`::${level} title=${property(title)}::${data(Array.from(redact(text)).slice(0, longest).join(''))}`);
    },
  };
}

/** The message of a workflow command. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** A property of one. */
function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

const cut = '\n\n**Cut here:** GitHub shows 1 MiB at most. The log and the kept report have the rest.\n';

/** As much of a page as there is room for, to the end of a line. */
function fitted(markdown: string, room: number): string {
  const whole = Buffer.from(markdown);
  if (whole.length <= room) return markdown;
  const fence = '\n```';
  const least = room - Buffer.byteLength(cut) - Buffer.byteLength(fence);
  const end = whole.lastIndexOf('\n', Math.max(0, least));
  // Not even the words have room.
  if (least < 0 || end < 0) return room >= Buffer.byteLength(cut) ? cut : '';
  const kept = whole.subarray(0, end).toString();
  const isOpen = (kept.match(/^```/gm)?.length ?? 0) % 2 === 1;
  return `${kept}${isOpen ? fence : ''}${cut}`;
}
