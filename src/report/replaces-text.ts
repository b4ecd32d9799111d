import type { Plan } from '../plan.ts';
import type { Replaced, ReplacedDatabase, ReplacedObjects } from '../replaces.ts';
import { describeBucket } from '../s3/origin.ts';
import type { Kind } from '../step.ts';
import { bytes, columns, counted, moment } from './format.ts';
import type { Style } from './style.ts';

/** What a run takes from the target, each a name and a text; nothing where it only adds. */
export function replacedRows({ database, buckets }: Replaced): [string, string][] {
  return [
    ...(database ? databaseRows(database) : []),
    ...buckets.flatMap((bucket): [string, string][] => {
      const told = objectsText(bucket);
      return told === undefined ? [] : [[bucket.bucket, told]];
    }),
  ];
}

/** The same as a block of a plan, with what becomes of it where something fails after the swap. */
export function replacedLines(plan: Pick<Plan, 'replaces' | 'onFailure' | 'steps'>, style: Style): string[] {
  const rows = [...(plan.replaces ? replacedRows(plan.replaces) : []), ...onFailureRows(plan)];
  if (rows.length === 0) return [];
  return [
    style('strong', 'what is replaced'),
    ...columns(rows, ['left', 'left'], '  ').map((line) => style('warn', line)),
    '',
  ];
}

/** Only a run that asks the application something once the new database is in place can fail there. */
function onFailureRows({ onFailure, steps }: Pick<Plan, 'onFailure' | 'steps'>): [string, string][] {
  const swap = steps.findIndex(({ kind }) => kind === 'swap');
  const later = steps.slice(swap + 1).some(({ kind }) => afterSwap.has(kind));
  if (onFailure === undefined || swap < 0 || !later) return [];
  const words = {
    rollback: 'if a migration or a check fails after the swap, the previous database is put back',
    keep: 'if a migration or a check fails after the swap, the new database stays, by database.onFailure, and the previous one beside it',
  };
  return [['on failure', words[onFailure]]];
}

const afterSwap: ReadonlySet<Kind> = new Set([
  'migrate',
  'check-health',
  'compare-versions',
  'compare-total',
  'check-value',
]);

/** 14 tables with 1,931 rows */
export function contentsText({ tables, rows }: Pick<ReplacedDatabase, 'tables' | 'rows'>): string {
  return `${counted(tables, 'table')} with ${counted(rows, 'row')}`;
}

/** How many sessions of others the swap ends. */
export function sessionsEnded({ sessions }: Pick<ReplacedDatabase, 'sessions'>): number {
  return sessions.reduce((sum, { count }) => sum + count, 0);
}

function databaseRows(replaced: ReplacedDatabase): [string, string][] {
  const { origin, readAt, sizeBytes, sessions, staysFor, previous = [] } = replaced;
  const whose = sessions.map(({ user, application, count, mayEnd }) => {
    const number = count === 1 ? '' : `, ${count} of them`;
    const program = application === undefined ? '' : `, ${application}`;
    return `${user} (${`${program}${number}${mayEnd ? '' : ', which restage may not end'}`.slice(2)})`.replace(
      ' ()',
      '',
    );
  });
  const stays =
    staysFor === 0
      ? 'it is dropped at the end of the run, by database.keepPrevious'
      : `it stays beside the new one for ${staysFor === 1 ? 'one refresh more' : `${staysFor} refreshes more`}`;
  return [
    [
      'database',
      `${origin.database} at ${origin.host}:${origin.port}: ${contentsText(replaced)}, ${bytes(sizeBytes)}, read ${moment(readAt)}`,
    ],
    ['', stays],
    ...(previous.length === 0 ? [] : [['', besideText(previous)] as [string, string]]),
    ...(sessions.length === 0
      ? []
      : [
          [
            'sessions',
            `${counted(sessionsEnded(replaced), 'session')} of others ${sessionsEnded(replaced) === 1 ? 'is' : 'are'} ended: ${whose.join(', ')}`,
          ] as [string, string],
        ]),
  ];
}

/** 2 earlier databases stand beside it, 24 MB; staging__previous_… is dropped once the run has ended well, 12 MB */
function besideText(previous: NonNullable<ReplacedDatabase['previous']>): string {
  const sum = (some: NonNullable<ReplacedDatabase['previous']>) =>
    some.every(({ sizeBytes }) => sizeBytes === undefined)
      ? 'size unknown'
      : bytes(some.reduce((total, { sizeBytes = 0 }) => total + sizeBytes, 0));
  const going = previous.filter(({ goes }) => goes);
  const names = going.map(({ name }) => name).join(', ');
  const end =
    going.length === 0
      ? 'none of them is dropped'
      : `dropped once the run has ended well: ${names}, which frees ${sum(going)}`;
  return `${counted(previous.length, 'earlier database')} ${previous.length === 1 ? 'stands' : 'stand'} beside it, ${sum(previous)}; ${end}`;
}

const keptWords = {
  backup: 'kept under the prefix of backup first',
  versions: 'the bucket keeps older versions',
  nothing: 'for good: nothing keeps them',
  unknown: 'whether the bucket keeps older versions could not be asked',
} as const;

function objectsText({ target, readAt, overwritten, deleted, kept }: ReplacedObjects): string | undefined {
  const told = [
    ...(deleted.objects > 0 ? [`${counted(deleted.objects, 'object')} deleted, ${bytes(deleted.bytes)}`] : []),
    ...(overwritten.objects > 0
      ? [`${counted(overwritten.objects, 'object')} overwritten, ${bytes(overwritten.bytes)}`]
      : []),
  ];
  if (told.length === 0) return undefined;
  return `${told.join('; ')}, in ${describeBucket(target)} as listed ${moment(readAt)}; ${keptWords[kept]}`;
}
