export { areRight, check, type CheckOptions, type Finding } from './check.ts';
export { configSchema, ConfigError, loadConfig, type Config, type ConfigProblem, type LoadOptions } from './config.ts';
export { connect, type ConnectOptions, type Ends } from './connect.ts';
export { exitCodes, failureOf, RestageError, traceOf, type ErrorCode, type Failure } from './errors.ts';
export type { Event, Listener } from './event.ts';
export {
  draftOf,
  lackingOptions,
  readOptions,
  type Answers,
  type EndAnswers,
  type InitOptions,
} from './init/answers.ts';
export { completeDraft } from './init/complete.ts';
export { configText } from './init/config-text.ts';
export type { Draft } from './init/draft.ts';
export { databaseForms, readDatabase, type DatabaseAnswer } from './init/database-answer.ts';
export { guessProfiles, nameBuckets, type Pairing } from './init/pair-names.ts';
export {
  findProfiles,
  isPostgres,
  propose,
  readLogin,
  surveyAccount,
  type Proposal,
  type Survey,
} from './init/survey.ts';
export { plan, type Plan, type PlanOptions } from './plan.ts';
export { requireAsPlanned, type SavedPlan } from './plan-compare.ts';
export type { PlannedBucket, PlannedObject } from './plan-objects.ts';
export { readPlan } from './plan-saved.ts';
export { lastRunOf, measures, type LastRun } from './last-run.ts';
export type { SchemaDumper } from './postgres/schema-dump.ts';
export { protect, readProtection, type Markable, type Marked, type ProtectOptions } from './protect.ts';
export type { Replaced, ReplacedDatabase, ReplacedObjects } from './replaces.ts';
export { checkText } from './report/check-text.ts';
export { eventLine } from './report/event-line.ts';
export { bytes, count, duration, moment } from './report/format.ts';
export { json } from './report/json.ts';
export { markdown } from './report/markdown.ts';
export { isForGood } from './report/plan-objects-text.ts';
export { planText } from './report/plan-text.ts';
export { contentsText, sessionsEnded } from './report/replaces-text.ts';
export type { Report } from './report/report.ts';
export { plain, type Style, type Tone } from './report/style.ts';
export { summary } from './report/summary.ts';
export { verificationText } from './report/verification-text.ts';
export { newRunId, run, type RunOptions } from './run.ts';
export type { ObjectOutcome } from './s3/transfer.ts';
export { startDumper } from './start-dumper.ts';
export type { Outcome, Step, StepReport } from './step.ts';
export { requireUnattended } from './unattended.ts';
export { verify, type Verification, type VerifyOptions } from './verify.ts';
