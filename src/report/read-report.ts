import * as z from 'zod';
import { RestageError } from '../errors.ts';
import type { RollbackReport } from '../rollback.ts';
import type { Report } from './report.ts';
import { isKnownKind } from './step-words.ts';

const end = z.looseObject({ name: z.string() });
const outcome = z.discriminatedUnion('status', [
  z.looseObject({ status: z.literal('not-run') }),
  z.looseObject({ status: z.literal('stopped'), startedAt: z.iso.datetime(), durationMs: z.number() }),
  z.looseObject({
    status: z.literal('done'),
    startedAt: z.iso.datetime(),
    durationMs: z.number(),
    facts: z.looseObject({}),
  }),
  z.looseObject({
    status: z.literal('failed'),
    startedAt: z.iso.datetime(),
    durationMs: z.number(),
    failure: z.looseObject({ code: z.string(), message: z.string() }),
  }),
]);

/** As much as shows that this is the report of a refresh, whole. */
const shape = z.looseObject({
  run: z.string(),
  madeAt: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  outcome: z.enum(['done', 'failed', 'interrupted', 'paused']),
  parts: z.array(z.looseObject({ startedAt: z.iso.datetime(), durationMs: z.number(), loaded: z.number() })).optional(),
  holds: z.string(),
  source: end,
  target: end,
  objects: z.array(z.looseObject({ bucket: z.string() })),
  steps: z.array(z.looseObject({ id: z.string(), kind: z.string(), outcome })),
  notes: z.array(z.string()),
  remarks: z.array(z.string()),
  figures: z.looseObject({
    tables: z.looseObject({}),
    objects: z.looseObject({}),
    revision: z.looseObject({}),
    totals: z.array(z.looseObject({})),
  }),
});

/** The same of a rollback. */
const rollbackShape = z.looseObject({
  run: z.string(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  outcome: z.enum(['done', 'failed', 'interrupted']),
  swapped: z.boolean(),
  holds: z.string(),
  target: end,
  origin: z.looseObject({ host: z.string(), port: z.number(), database: z.string() }),
  back: z.looseObject({ run: z.string() }),
  aside: z.looseObject({}),
  sessions: z.array(z.looseObject({})),
  verified: z.array(z.looseObject({ what: z.string(), ok: z.boolean(), found: z.string() })),
  notes: z.array(z.string()),
});

/** The report of a refresh or of a rollback as `json` wrote it; `file` is its name for messages. Throws `report-invalid`. */
export function readReport(text: string, file: string): Report | RollbackReport {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw invalid(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw invalid(`${file} is no report`);
  const { version, kind, restage, outcome: ended } = found as Readonly<Record<string, unknown>>; // an object
  if (kind !== undefined && kind !== 'rollback')
    throw invalid(
      `${file} is the report of a ${typeof kind === 'string' ? kind : 'kind of its own'}, which this restage does not know`,
      'It is plain JSON: read it as it is, or its report.md, where there is one.',
    );
  if (ended === undefined && ('steps' in found || 'checks' in found))
    throw invalid(`${file} is a plan, not the report of a run`);
  if (version !== 1)
    throw invalid(
      `${file} is a report of version ${JSON.stringify(version) ?? 'none'}, and this restage reads version 1`,
      typeof restage === 'string' ? `restage ${restage} has made it, and can show it.` : undefined,
    );
  if (kind === 'rollback') {
    requireShape(rollbackShape, found, file);
    return found as RollbackReport; // looked at just now, as far as tells it from others
  }
  const unknown = requireShape(shape, found, file).steps.find((step) => !isKnownKind(step.kind));
  if (unknown)
    throw invalid(
      `${file} has a step ${unknown.kind}, which this restage does not know`,
      typeof restage === 'string' ? `restage ${restage} has made it, and can show it.` : undefined,
    );
  return found as Report; // looked at just now, as far as tells it from others
}

function requireShape<T>(wanted: z.ZodType<T>, found: object, file: string): T {
  const parsed = wanted.safeParse(found);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${file} is no whole report: ${issue?.path.map(String).join('.') ?? ''} is not as a report has it`);
}

function invalid(message: string, hint?: string): RestageError {
  return new RestageError('report-invalid', message, { hint });
}
