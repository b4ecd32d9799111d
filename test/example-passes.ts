import { firstPass, joinPlans, secondPass, type JoinOptions } from '../src/remote/join.ts';
import type { Plan, Report } from '../src/index.ts';
import { figuresOf } from '../src/report/report.ts';
import type { Outcome, Step, StepReport } from '../src/step.ts';
import { exampleReport } from './example-report.ts';

const ofObjects: ReadonlySet<Step['kind']> = new Set(['copy-objects', 'verify-objects', 'delete-objects']);

/** The function and the references of the example that is made from two places. */
export const joinedBy: JoinOptions = {
  on: { name: 'books-staging-refresh', timeoutSeconds: 900, memoryBytes: 512 * 1024 * 1024 },
  references: [{ column: 'book_images.s3_key', bucket: 'images', absent: 'warn' }],
};

const reported = exampleReport(3);
const begin = Date.parse(reported.startedAt);

/** A plan's steps one after the other. */
function inTurn(steps: readonly Step[]): Step[] {
  return steps.map((step, index) => ({ ...step, after: index === 0 ? [] : [steps[index - 1]?.id ?? ''] }));
}

function stepsOfPlan(isWanted: (step: StepReport) => boolean): Step[] {
  return inTurn(reported.steps.filter(isWanted).map(({ outcome: _outcome, ...step }) => step as Step)); // a step without its outcome
}

function plan(only: 'database' | 'objects', notes: readonly string[]): Plan {
  const {
    run: _run,
    restage: _by,
    startedAt,
    durationMs: _took,
    outcome: _outcome,
    remarks: _remarks,
    ...rest
  } = reported;
  const { holds: _holds, figures: _figures, objects, source, target, ...of } = rest;
  const isDatabase = only === 'database';
  const { database: _from, ...sourceAlone } = source;
  const { database: _to, ...targetAlone } = target;
  return {
    ...(isDatabase ? of : { version: 1, madeAt: startedAt, jobs: 4 }),
    madeAt: new Date(begin + (isDatabase ? 0 : 1000)).toISOString(),
    only,
    source: isDatabase ? source : sourceAlone,
    target: isDatabase ? target : targetAlone,
    objects: isDatabase ? [] : objects,
    steps: stepsOfPlan((step) => ofObjects.has(step.kind) !== isDatabase && step.kind !== 'verify-references'),
    notes,
  };
}

/** The plan of a database that a function has made, and that of the objects, made here. */
export const databasePlan = plan('database', [
  'staging is ahead',
  'verify.references: a run of the database alone does not look whether the objects that rows name are there; restage verify does',
]);
export const objectsPlan = plan('objects', [
  'staging is ahead',
  'images: no key matches deploy/**',
  'verify.references: a run of objects alone does not look whether the objects that rows name are there; restage verify does',
]);
export const joinedPlan = joinPlans(databasePlan, objectsPlan, joinedBy);

const amount = (objects: number) => ({ objects, bytes: objects * 1_000_000 });

/** What the steps of a pass would tell, if it copied so many objects. */
function objectOutcome(step: Step, objects: number, startedAt: string): Outcome {
  const timed = { status: 'done' as const, startedAt, durationMs: 500 };
  if (step.kind === 'copy-objects')
    return {
      ...timed,
      facts: {
        bucket: step.bucket,
        listedAt: startedAt,
        copied: amount(objects),
        overwritten: amount(1),
        unchanged: amount(4709 - objects),
        onlyInTarget: amount(61),
        backedUp: amount(0),
        failed: 0,
        failures: [],
        width: 32,
      },
    };
  const none = amount(0);
  if (step.kind === 'verify-objects')
    return {
      ...timed,
      facts: {
        source: amount(4711),
        target: amount(4772),
        missing: none,
        changed: none,
        same: amount(4711),
        extra: amount(61),
        newer: none,
        examples: [],
      },
    };
  return { ...timed, facts: { deleted: amount(61), kept: 0, newer: 0, failed: 0, failures: [] } };
}

/** A report as `run` makes it of that plan. */
function reportOf(
  planned: Plan,
  {
    startedAt,
    outcome = 'done',
    of,
  }: {
    readonly startedAt: string;
    readonly outcome?: Report['outcome'];
    readonly of: (step: Step) => Outcome;
  },
): Report {
  const steps = planned.steps.map((step) => ({ ...step, outcome: of(step) }) as StepReport); // an outcome of its kind
  const told: Omit<Report, 'figures'> = {
    ...planned,
    run: reported.run,
    restage: '0.9.0',
    startedAt,
    durationMs: 2000,
    outcome,
    steps,
    remarks: [],
    holds: planned.only === 'database' ? 'staging holds the new database' : "staging's database was not touched",
  };
  return { ...told, figures: figuresOf(told) };
}

const at = (seconds: number) => new Date(begin + seconds * 1000).toISOString();

export const firstReport = reportOf(firstPass(objectsPlan), {
  startedAt: at(10),
  of: (step) => objectOutcome(step, 39, at(10)),
});
export const databaseReport: Report = {
  ...reportOf(databasePlan, {
    startedAt: at(20),
    of: (step) => reported.steps.find(({ id }) => id === step.id)?.outcome ?? { status: 'not-run' },
  }),
  function: {
    name: 'books-staging-refresh',
    requestIds: ['8f5ae2b1-4c1d-4f6a-9b0e-1f2a3b4c5d6e'],
    memoryBytes: 512 * 1024 * 1024,
    peakBytes: 312 * 1024 * 1024,
    timeoutSeconds: 900,
    logGroup: '/aws/lambda/books-staging-refresh',
    logStream: '2026/11/23/[$LATEST]4f2a',
  },
};
export const secondReport = reportOf(secondPass(objectsPlan), {
  startedAt: at(60),
  of: (step) => objectOutcome(step, 2, at(60)),
});
