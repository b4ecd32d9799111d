import type { PlannedFunction } from '../plan.ts';
import { count, counted, duration, mebibytes, moment, sentence, timeOut } from './format.ts';
import type { Report, RunFunction, RunPart } from './report.ts';
import type { Style } from './style.ts';
import { isInPlace } from './verdict.ts';
import type { Fact } from './verification-facts.ts';

// A run that was made in several parts, and the function that it was made in, in words.

/** 590 tables loaded; of the 612 before it: 610 the same, 2 copied again */
export function partText({ loaded, same, again }: RunPart): string {
  const text = `${counted(loaded, 'table')} loaded`;
  const before = (same ?? 0) + (again ?? 0);
  if (before === 0) return text;
  const found = [...(same ? [`${count(same)} the same`] : []), ...(again ? [`${count(again)} copied again`] : [])];
  return `${text}; of the ${count(before)} before it: ${found.join(', ')}`;
}

/** When each part was, what it did, and the moment that all of the data is of. */
export function partFacts(report: Report): Fact[] {
  const { parts = [] } = report;
  const when = momentText(report);
  return [
    ...parts.map((part, index): Fact => [
      index === 0 ? 'parts' : '',
      `${index + 1}: ${moment(part.startedAt)}, ${duration(part.durationMs)}: ${partText(part)}`,
    ]),
    ...(when === undefined ? [] : [['', when] as Fact]),
  ];
}

/** The moment that the data is of: however many parts there were, one; undefined where nothing of it is in place. */
export function momentText(report: Report): string | undefined {
  const last = report.parts?.at(-1);
  return last?.takenAt !== undefined && isInPlace(report)
    ? `all of it is of ${moment(last.takenAt)}, the moment of the last part`
    : undefined;
}

/** What a reader of a paused run asks next, in a sentence; undefined for any other. */
export function pausedText({ outcome, figures: { tables } }: Pick<Report, 'outcome' | 'figures'>): string | undefined {
  if (outcome !== 'paused') return undefined;
  const left = tables.planned - tables.copied;
  const rest = left > 0 ? `, loads the other ${left === 1 ? 'one' : count(left)}` : '';
  return `The next part compares the ${counted(tables.copied, 'table')} with the source as it is then${rest}, and goes on to the end.`;
}

/** at most 312 MiB of 512 MiB used */
function memoryText({ memoryBytes, peakBytes }: Pick<RunFunction, 'memoryBytes' | 'peakBytes'>): string {
  return peakBytes === undefined
    ? mebibytes(memoryBytes)
    : `at most ${mebibytes(peakBytes)} of ${mebibytes(memoryBytes)} used`;
}

/** /aws/lambda/x, stream 2026/11/23/[$LATEST]4f2a; undefined where neither is known */
function logText({ logGroup, logStream }: Pick<RunFunction, 'logGroup' | 'logStream'>): string | undefined {
  if (logGroup === undefined) return undefined;
  return logStream === undefined ? logGroup : `${logGroup}, stream ${logStream}`;
}

/** The function that a run was made in, each a name and a text, with every request. */
export function functionRows({ function: ranIn }: Pick<Report, 'function'>): Fact[] {
  if (!ranIn) return [];
  const { name, requestIds, timeoutSeconds } = ranIn;
  const log = logText(ranIn);
  return [
    ['Name', name],
    ['Memory', memoryText(ranIn)],
    ...(timeoutSeconds === undefined ? [] : [['Time-out', `${timeOut(timeoutSeconds)} for each invocation`] as Fact]),
    ...(requestIds.length === 0
      ? []
      : [[requestIds.length === 1 ? 'Request' : 'Requests', requestIds.join(', ')] as Fact]),
    ...(log === undefined ? [] : [['Log', log] as Fact]),
  ];
}

/** The same for a terminal; of many invocations the last one's request. */
export function functionFacts({ function: ranIn, parts = [] }: Report, style: Style): Fact[] {
  if (!ranIn) return [];
  const { name, requestIds, timeoutSeconds, peakBytes, memoryBytes } = ranIn;
  const limit = timeoutSeconds === undefined ? '' : `, ${limitText(timeoutSeconds)}`;
  const isNear = peakBytes !== undefined && peakBytes > memoryBytes * nearlyAll;
  const memory = isNear ? style('warn', `${memoryText(ranIn)}: give it more memory`) : memoryText(ranIn);
  const request = requestIds.at(-1);
  const log = logText(ranIn);
  return [
    ['function', `${name}: ${memory}${limit}`],
    ...(request === undefined
      ? []
      : [['', `request ${request}${parts.length > 1 ? ', of the last part' : ''}`] as Fact]),
    ...(log === undefined ? [] : [['', `log ${log}`] as Fact]),
  ];
}

/** From here on the next table may be the one that there is no room for. */
const nearlyAll = 0.9;

function limitText(seconds: number): string {
  return `time-out ${timeOut(seconds)}`;
}

/** Which part of a plan is made where, each a name and a text; nothing where all is made from here. */
export function placeRows({ onLambda, only }: { readonly onLambda?: PlannedFunction; readonly only?: string }): Fact[] {
  if (!onLambda) return [];
  const { name, timeoutSeconds, memoryBytes, objects } = onLambda;
  const known = [
    ...(memoryBytes === undefined ? [] : [mebibytes(memoryBytes)]),
    ...(timeoutSeconds === undefined ? [] : [limitText(timeoutSeconds)]),
  ];
  const there = `in the function ${[name, ...(known.length === 0 ? [] : [known.join(', ')])].join(': ')}`;
  return [
    ...(only === 'objects' ? [] : [['database', there] as Fact]),
    ...(objects === undefined
      ? []
      : [
          [
            'objects',
            objects === 'function'
              ? there
              : "from here: before the database's snapshot, and what came since when it is in place",
          ] as Fact,
        ]),
  ];
}

/** A part as cells: its number, when, how long, what. */
export function partCells(part: RunPart, index: number): readonly string[] {
  return [
    `${index + 1}`,
    moment(part.startedAt),
    duration(part.durationMs),
    part.takenAt === undefined ? '' : moment(part.takenAt),
    sentence(partText(part)).replace(/\.$/, ''),
  ];
}

export const partHeads = ['Part', 'Began', 'Took', 'Moment of the source', 'Tables'] as const;
