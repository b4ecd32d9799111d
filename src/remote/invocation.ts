import * as z from 'zod';
import type { ConfigProblem } from '../config.ts';
import type { Failure } from '../errors.ts';
import type { RunResult } from './run-result.ts';
import type { RunState } from './run-state.ts';

const runIdWords = 'the id of a run, e.g. 20260131-031500-4f2a';
export const runId = z.string(runIdWords).regex(/^\d{8}-\d{6}-[0-9a-f]{4}$/, runIdWords);

const actions = ['check', 'plan', 'sync', 'verify', 'rollback', 'status'] as const;

const referenceWords = 's3://bucket/key, ssm:/name, or file:name of a file in the bundle';

/** What the function is asked to do. `{}` is a sync of the database. Nothing in it is ever SQL. */
export const invocationSchema = z.strictObject({
  action: z.enum(actions, `one of ${actions.join(', ')}`).default('sync'),
  only: z
    .enum(['database', 'objects', 'references', 'all'], 'database, objects, references or all')
    .default('database')
    .describe('The part that is meant: a function stands where the databases are; references only with verify.'),
  runId: runId.optional().describe('Whoever names it may ask again: the same run is never made twice.'),
  dryRun: z.boolean('true or false').default(false).describe('With sync: the same as plan.'),
  sample: z.boolean('true or false').default(false).describe('With verify: a quick look.'),
  to: runId.optional().describe('With rollback: the run whose previous database is put back; absent: the latest.'),
  config: z
    .string(referenceWords)
    .regex(/^(s3:\/\/[^/]+\/.+|ssm:.+|file:[^/]+)$/, referenceWords)
    .optional()
    .describe("Where the configuration is; absent: what the function's RESTAGE_CONFIG says, else file:restage.yaml."),
  configPrint: z
    .string('a print of a configuration')
    .optional()
    .describe("The print of the caller's configuration: another one is refused."),
  asPlanned: z
    .number('a number of percent')
    .min(0)
    .max(100)
    .optional()
    .describe('With sync: the plan that was kept under runId must still hold, its counts within so many percent.'),
  begunBy: z
    .literal('schedule', 'schedule')
    .optional()
    .describe('With sync and rollback: that a schedule asks, for the list of runs; a command is known by its print.'),
  notify: z.boolean('true or false').default(true).describe('Whether the addressees of `notify` are told.'),
});

export type Invocation = z.output<typeof invocationSchema>;
/** As a caller writes it. */
export type InvocationInput = z.input<typeof invocationSchema>;

/** What the function answers: within Lambda's 6 MB, plain JSON, no secret in it. */
export interface InvocationResponse {
  /** 200 done · 202 goes on elsewhere · 400 usage or config · 409 refused by a guard · 422 differences found · 500 failed. */
  readonly statusCode: 200 | 202 | 400 | 409 | 422 | 500;
  /** As the command line's. */
  readonly exitCode: number;
  readonly action?: Invocation['action'];
  readonly runId?: string;
  /** Of a sync: its Report. Of the others: Plan, Verification, findings of a check, RollbackReport, Status. */
  readonly report?: unknown;
  /** The same, where it did not fit, or was kept: s3://… */
  readonly reportAt?: string;
  /** What came of a sync in the words of a person's list of tables; always there once it has ended. */
  readonly result?: RunResult;
  /** Of a run that another invocation makes, or has made. */
  readonly state?: RunState;
  readonly error?: Failure & { readonly problems?: readonly ConfigProblem[] };
}
