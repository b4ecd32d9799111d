import { displayTable } from '../postgres/names.ts';
import { someOf } from '../postgres/some-of.ts';
import type { Step, StepReport } from '../step.ts';
import { againId } from '../remote/again-id.ts';
import { appWords } from './app-words.ts';
import { carryText, contentText, newerText } from './fact-words.ts';
import { bytes, count, counted, duration, moment } from './format.ts';
import { told, type Words } from './words.ts';

/** What was compared of every table. */
const compared = { content: 'digests taken', rows: 'rows counted' } as const;

const words: Words = {
  ...appWords,
  'take-snapshot': {
    will: ({ database }) => `one read-only moment of ${database}, shared by all sessions`,
    did: (step) =>
      told(
        step,
        ({ origin, takenAt }) => `${origin.database} at ${origin.host}:${origin.port}, taken ${moment(takenAt)}`,
      ),
  },
  'create-database': {
    will: ({ database }) => `an empty database beside ${database}`,
    did: (step) =>
      told(
        step,
        ({ database, reclaimed }) =>
          `${database}${reclaimed.length > 0 ? `; dropped what a dead run had left: ${reclaimed.join(', ')}` : ''}`,
      ),
  },
  'select-subset': {
    will: ({ tables }) => `the rows that the starting ones need, in ${counted(tables.length, 'table')}`,
    did: (step) =>
      told(
        step,
        ({ tables }) =>
          `${counted(
            tables.reduce((sum, { rows }) => sum + rows, 0),
            'row',
          )} of ${counted(tables.length, 'table')}`,
      ),
  },
  'copy-schema': {
    will: ({ tables }) => `${counted(tables, 'table')} and all they need`,
    did: (step) => told(step, ({ objects, refused }) => `${counted(objects, 'object')} made${notMade(refused)}`),
  },
  'copy-table': {
    will: ({ table, rows, rowsAreEstimated, bytes: size }) =>
      `${displayTable(table)}: ${rowsAreEstimated ? 'about ' : ''}${counted(rows, 'row')}, ${bytes(size)}`,
    did: (step) =>
      told(
        step,
        ({ rows, bytes: size, since, compareMs }) =>
          `${displayTable(step.table)}: ${counted(rows, 'row')}, ${bytes(size)}${sinceText(since, compareMs)}`,
      ),
  },
  'copy-large-objects': {
    will: ({ objects }) => counted(objects, 'large object'),
    did: (step) => told(step, ({ objects, bytes: size }) => `${counted(objects, 'large object')}, ${bytes(size)}`),
  },
  'scan-leaks': {
    will: ({ columns }) =>
      `the real values of ${counted(columns.length, 'masked column')}, looked for in all that has arrived`,
    did: (step) =>
      told(step, ({ values, rows, leaks }) =>
        leaks.length === 0
          ? `none of ${counted(values, 'real value')} in ${counted(rows, 'row')}`
          : `real values in ${counted(leaks.length, 'column')}`,
      ),
  },
  'keep-rows': {
    will: ({ table, rows, rule }) =>
      `${displayTable(table)}: staging's own rows${rule.rows === 'merge' ? " beside the source's" : ''}${rows === undefined ? '' : `, ${counted(rows, 'row')} now`}`,
    did: (step) =>
      told(
        step,
        ({ read, kept, replaced }) =>
          `${displayTable(step.table)}: ${counted(kept, 'row')} of staging's own kept${kept < read ? `, ${count(read - kept)} left out` : ''}${replaced > 0 ? `, ${count(replaced)} of the source's replaced` : ''}`,
      ),
  },
  'carry-values': {
    will: ({ table, rule }) =>
      `${displayTable(table)}: ${rule.carry ? carryText(rule.carry) : 'nothing'}, where staging has the row`,
    did: (step) =>
      told(
        step,
        ({ rows, carried }) =>
          `${displayTable(step.table)}: ${step.rule.carry?.columns.join(', ') ?? ''} of ${count(carried)} of ${counted(rows, 'row')} from staging`,
      ),
  },
  'settle-orphans': {
    will: ({ tables }) => `rows whose parents are not there, of ${counted(tables.length, 'table')}`,
    did: (step) =>
      told(step, ({ orphans }) =>
        orphans.length === 0
          ? 'every row has its parents'
          : orphans
              .map(
                ({ table, key, rows, became }) =>
                  `${counted(rows, 'row')} of ${displayTable(table)} without a parent (${key}): ${became === 'null' ? 'set to null' : 'dropped'}`,
              )
              .join('; '),
      ),
  },
  'after-load': {
    will: ({ name }) => `${name}, run on the new database`,
    did: (step) =>
      told(
        step,
        ({ counts }) => `${step.name}: ${counts.map((rows) => counted(rows, 'row')).join(', ') || 'no statement'}`,
      ),
  },
  'fill-views': {
    will: () => 'materialized views, policies, comments',
    did: (step) =>
      told(
        step,
        ({ views, objects, refused }) =>
          `${counted(views, 'materialized view')}, ${counted(objects, 'other object')}${notMade(refused)}`,
      ),
  },
  'add-keys': {
    will: () => 'foreign keys, triggers, views and policies',
    did: (step) =>
      told(
        step,
        ({ foreignKeys, objects, refused }) =>
          `${counted(foreignKeys, 'foreign key')} and ${counted(objects, 'other object')}${notMade(refused)}`,
      ),
  },
  'set-sequences': {
    will: ({ sequences }) => `${counted(sequences, 'sequence')} to where the source's stand`,
    did: (step) => told(step, ({ sequences }) => counted(sequences, 'sequence')),
  },
  analyze: { will: () => "statistics for the target's planner", did: () => undefined },
  'set-privileges': {
    will: () => 'owners and grants as staging has them',
    did: (step) =>
      told(
        step,
        ({ owners, grants, refused }) =>
          // Beside what was refused: what belongs to somebody else now, and why.
          `${counted(owners, 'owner')} and ${counted(grants, 'grant')}${refused.length === 0 ? '' : `; ${counted(refused.length, 'note')}`}`,
      ),
  },
  'verify-tables': {
    will: ({ tables, verify }) => `the ${compared[verify]} while copying, of ${counted(tables, 'table')} at both ends`,
    did: (step) =>
      told(step, ({ tables, rows, different }) =>
        different.length === 0
          ? `${counted(tables, 'table')}, ${counted(rows, 'row')}; ${compared[step.verify]} while copying: all equal`
          : `${compared[step.verify]} while copying: ${count(different.length)} different`,
      ),
  },
  'read-keys': {
    will: ({ bucket, selection }) => `${bucket}: what rows name in ${(selection.referencedBy ?? []).join(', ')}`,
    did: (step) => told(step, ({ keys }) => `${step.bucket}: ${counted(keys, 'key')}`),
  },
  'copy-objects': {
    will: ({ id, bucket, objects, bytes: size, route }) =>
      id === againId(bucket)
        ? `${bucket}: both listed once more, and what came since copied`
        : `${bucket}: ${counted(objects, 'object')}, ${bytes(size)}${route === 'server' ? ', by the store itself' : ''}`,
    did: (step) =>
      told(
        step,
        ({ copied, unchanged, failed, backedUp }) =>
          `${step.bucket}${step.id === againId(step.bucket) ? ', what came since' : ''}: ${counted(copied.objects, 'object')} copied, ${bytes(copied.bytes)}; ${count(unchanged.objects)} unchanged${backedUp.objects > 0 ? `; ${count(backedUp.objects)} kept aside before` : ''}${failed > 0 ? `; ${count(failed)} failed` : ''}`,
      ),
  },
  'verify-objects': {
    will: ({ bucket, content }) =>
      `${bucket}: both listings once more${content === 'none' ? '' : content === 'all' ? ', and every object read back' : `, and about ${counted(content.sample, 'object')} read back`}`,
    did: (step) =>
      told(
        step,
        ({ same, missing, changed, newer, content }) =>
          `${step.bucket}: ${counted(same.objects, 'object')} equal${newerText(newer.objects)}${contentText(content)}${missing.objects + changed.objects > 0 ? `, ${count(missing.objects)} missing, ${count(changed.objects)} different` : ''}`,
      ),
  },
  'delete-objects': {
    will: ({ bucket, objects, bytes: size, versioned, selection }) =>
      `${bucket}: ${counted(objects, 'object')} that only the target has, ${bytes(size)}; ${versioned ? 'older versions stay' : selection.backup === undefined ? 'for good' : `kept under ${selection.backup}`}`,
    did: (step) =>
      told(
        step,
        ({ deleted, kept, newer, failed }) =>
          `${step.bucket}: ${counted(deleted.objects, 'object')} deleted, ${bytes(deleted.bytes)}${kept > 0 ? `; ${count(kept)} left, as the source has them after all` : ''}${newer > 0 ? `; ${count(newer)} left, written since the plan` : ''}${failed > 0 ? `; ${count(failed)} failed` : ''}`,
      ),
  },
  swap: {
    will: ({ database }) => `the new database becomes ${database}`,
    did: (step) =>
      told(
        step,
        ({ database, previous, sessionsEnded }) =>
          `the new database is ${database}; the one before it, ${previous}${sessionsEnded > 0 ? `; ${counted(sessionsEnded, 'session')} ended` : ''}`,
      ),
  },
  'migrate-incoming': {
    will: ({ command }) => `${command.join(' ')}, on the new database`,
    did: (step) =>
      told(step, ({ exitCode, revisionBefore, revisionAfter }) =>
        revisionAfter === undefined
          ? `${step.command.join(' ')}: exit code ${exitCode}`
          : `${revisionBefore ?? 'nothing'} → ${revisionAfter}`,
      ),
  },
  'verify-integrity': {
    will: () => 'constraints and indexes valid, sequences at or above what columns hold',
    did: (step) =>
      told(step, ({ constraints, indexes, sequences, wrong, told: known = [] }) =>
        wrong.length === 0
          ? `${counted(constraints, 'constraint')} and ${counted(indexes, 'index', 'indexes')}${known.length === 0 ? ' valid' : ''}, ${counted(sequences, 'sequence')}${known.length === 0 ? ' ahead' : `; no fault: ${someOf(known, 3)}`}`
          : wrong.join('; '),
      ),
  },
  'verify-references': {
    will: ({ bucket, columns }) => `the keys in ${columns.map(({ column }) => column).join(', ')} exist in ${bucket}`,
    did: (step) =>
      told(step, ({ bucket, named, missing, absent, mustExist }) =>
        missing.keys + absent.keys === 0
          ? `all ${counted(named, 'key')} that rows name exist in ${bucket}`
          : `of ${counted(named, 'key')} that rows name ${[
              ...(missing.keys > 0 ? [`${count(missing.keys)} missing in the target's ${bucket}`] : []),
              ...(absent.keys > 0
                ? [
                    `${count(absent.keys)} in neither bucket${mustExist ? `, of which ${count(mustExist.keys)} must exist` : ''}`,
                  ]
                : []),
            ].join(', ')}`,
      ),
  },
  'drop-previous': {
    will: ({ keep, database }) =>
      `all earlier databases of ${database} but the last ${keep === 1 ? 'one' : count(keep)}`,
    did: (step) =>
      told(
        step,
        ({ dropped, kept, freedBytes }) =>
          `${counted(dropped.length, 'earlier database')} dropped${freedBytes === undefined ? '' : `, ${bytes(freedBytes)} freed`}; kept: ${kept.length === 0 ? 'none' : kept.join(', ')}`,
      ),
  },
};

/** Loaded in a part of the run before, and compared in the last one's moment. */
function sinceText(since: 'same' | 'again' | undefined, compareMs: number | undefined): string {
  if (since === undefined) return '';
  const took = compareMs === undefined ? '' : `, compared in ${duration(compareMs)}`;
  return since === 'same'
    ? `; loaded before, the same${took}`
    : `; loaded before, copied again as it had changed${took}`;
}

/** How many the server refused; the report's notes say which. */
function notMade(refused: readonly string[]): string {
  return refused.length === 0 ? '' : `; ${count(refused.length)} refused`;
}

/** Whether this version knows a step by that word: a report may come from another one. */
export function isKnownKind(kind: string): boolean {
  return Object.hasOwn(words, kind);
}

/** What the step will do. */
export function willDo(step: Step, app?: string): string {
  const { will } = words[step.kind] as { readonly will: (step: Step, app?: string) => string }; // the words of its own kind
  return will(step, app);
}

/** What the step did, as far as it came. */
export function hasDone(step: StepReport): string | undefined {
  const { did } = words[step.kind] as { readonly did: (step: StepReport) => string | undefined }; // the words of its own kind
  return did(step);
}
