import * as z from 'zod';
import { RestageError } from './errors.ts';
import type { Plan } from './plan.ts';

const tableName = z.object({ schema: z.string(), name: z.string() });
const amount = z.object({ objects: z.number(), bytes: z.number() });
const database = z.looseObject({
  origin: z.object({
    host: z.string(),
    port: z.number(),
    database: z.string(),
    user: z.string(),
    version: z.string(),
  }),
  readAt: z.string(),
  rows: z.number(),
  tables: z.number(),
  schema: z.record(z.string(), z.object({ objects: z.number(), hash: z.string() })),
  versions: z
    .array(z.looseObject({ tool: z.string(), table: tableName, applied: z.array(z.looseObject({ id: z.string() })) }))
    .optional(),
});
const end = z.looseObject({
  name: z.string(),
  database: database.optional(),
  app: z.looseObject({ url: z.string() }).optional(),
});
const bucketOrigin = z.looseObject({ bucket: z.string() });
const selection = z.looseObject({ include: z.array(z.string()), exclude: z.array(z.string()) });

const step = z
  .looseObject({
    id: z.string(),
    kind: z.string(),
    // A total of the application is held against one by its name in the config.
    table: z.union([z.looseObject({ schema: z.string(), name: z.string() }), z.string()]).optional(),
    rows: z.number().optional(),
    objects: z.number().optional(),
  })
  .refine(({ kind, table, rows }) => kind !== 'copy-table' || (typeof table === 'object' && rows !== undefined));

/** As much of a plan as is compared. */
const shape = z.object({
  madeAt: z.iso.datetime(),
  only: z.enum(['database', 'objects']).optional(),
  source: end,
  target: end,
  objects: z.array(
    z.looseObject({
      bucket: z.string(),
      source: bucketOrigin,
      target: bucketOrigin,
      selection,
      keeping: z.looseObject({}),
      totals: z.looseObject({ source: amount, target: amount, missing: amount, changed: amount }),
      deletion: amount.optional(),
    }),
  ),
  steps: z.array(step),
  migrations: z
    .array(
      z.looseObject({
        tool: z.string(),
        table: tableName,
        relation: z.string(),
        between: z.array(z.looseObject({ id: z.string() })),
      }),
    )
    .optional(),
  notes: z.array(z.string()),
  refusals: z.array(z.looseObject({ code: z.string(), message: z.string() })).optional(),
});

/**
 * A plan as `json` wrote it; `file` is its name for messages. It is for comparing with a fresh one, and is never run itself.
 * Throws `plan-invalid`.
 */
export function readPlan(text: string, file: string): Plan {
  const found = parse(text, file);
  const { version, outcome } = found;
  if (outcome !== undefined) throw invalid(`${file} is the report of a run, not a plan`);
  if (version !== 1 && version !== undefined && 'steps' in found)
    throw invalid(`${file} is a plan of version ${JSON.stringify(version)}, and this restage reads version 1`);
  const { error } = shape.safeParse(found);
  if (version !== 1 || error) {
    const [issue] = error?.issues ?? [];
    const what = issue && 'steps' in found ? `: ${issue.path.map(String).join('.')} is not as a plan has it` : '';
    throw invalid(`${file} is no plan of this restage${what}`);
  }
  return found as unknown as Plan; // looked at just now, as far as it is used
}

function parse(text: string, file: string): Readonly<Record<string, unknown>> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw invalid(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof found !== 'object' || found === null) throw invalid(`${file} is no plan`);
  return found as Record<string, unknown>; // an object, or an array, which has none of the keys
}

function invalid(message: string): RestageError {
  return new RestageError('plan-invalid', message, { hint: 'Make one: restage plan --out plan.json' });
}
