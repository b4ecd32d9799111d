import * as z from 'zod';
import { isAccessPoint } from './access-point.ts';
import { migrateSchema, notifySchema, strayAfter, verifySchema } from './config-after.ts';
import { isOfAws, sourceEnd, targetEnd, text, wholeFrom } from './config-end.ts';
import { tableRule } from './config-rules.ts';
import { needsKey } from './postgres/rules/table-rule.ts';
import { objectsSchema, strayObjects } from './config-objects.ts';

const jobsWords = 'a whole number from 1 to 32';
const percentWords = 'a number from 0 to 100';

const keyWords = 'a secret of 16 characters or more; openssl rand -hex 32 makes one';
const columnWords = 'a column, as table.column or schema.table.column';
const column = z.string(columnWords).regex(/^[^.]+\.[^.]+(\.[^.]+)?$/s, columnWords);

/** The one place of names, defaults and descriptions: help, messages and the JSON Schema come from it. */
export const schema = z
  .strictObject({
    version: z.literal(1, '1, the version of this format'),
    source: sourceEnd.describe('Production. It is only read.'),
    target: targetEnd.describe('Staging.'),
    database: z
      .strictObject({
        mode: z
          .literal('clone', 'clone')
          .default('clone')
          .describe("clone: production's schema and data, built beside, then swapped in."),
        jobs: z
          .int(jobsWords)
          .min(1, jobsWords)
          .max(32, jobsWords)
          .default(4)
          .describe('How many tables, or parts of them, are copied at once: as many sessions at each end.'),
        owner: text
          .optional()
          .describe(
            'The role of the target that owns what staging did not have before. Default: whoever owns most of the same schema.',
          ),
        grants: z
          .record(z.string(), text)
          .default({})
          .describe(
            "Roles of the source, and the target's roles that stand for them: in grants on what staging did not have before, in policies and in user mappings.",
          ),
        publications: z
          .boolean('true or false')
          .default(false)
          .describe("Whether the source's publications are made too."),
        skipExtensions: z
          .array(text)
          .default([])
          .describe('Extensions of the source that are not made in the target, e.g. pg_cron.'),
        mayBeEmpty: z
          .array(text)
          .default([])
          .describe(
            "Tables that may read zero rows where the source's statistics say that they have some. Bare = public, else schema.table.",
          ),
        mayShrink: z
          .array(text)
          .default([])
          .describe('Tables that may have lost any share of their rows. Bare = public, else schema.table.'),
        unmasked: z
          .enum(['warn', 'refuse', 'allow'], 'warn, refuse or allow')
          .default('warn')
          .describe(
            'What happens where a column looks personal and has no rule: the plan names it, the plan is refused, or neither.',
          ),
        masks: z
          .strictObject({
            key: z
              .string(keyWords)
              .min(16, keyWords)
              .optional()
              .describe(
                'The secret by which masks choose: with the same key the same value is always masked alike, without it nobody can tell which.',
              ),
            scan: z
              .boolean('true or false')
              .default(true)
              .describe(
                "Whether the new database is searched for the source's real values of masked columns before it becomes staging: one that is found stops the run.",
              ),
          })
          .prefault({})
          .describe('What all masks share.'),
        tables: z
          .record(z.string(), tableRule)
          .default({})
          .describe(
            'What becomes of tables, by name or pattern (* and ?), bare for public, else schema.table; what is not named is copied.',
          ),
        subset: z
          .strictObject({
            from: z
              .record(z.string(), text)
              .refine((value) => Object.keys(value).length > 0, 'at least one table and its predicate')
              .describe('SQL predicates by table: the rows to start from.'),
            children: z
              .array(text)
              .default([])
              .describe('Tables, or patterns, whose rows come along when they refer to a row that is taken.'),
            references: z
              .array(
                z.strictObject({
                  from: column.describe('The column that refers.'),
                  to: column.describe('The column that it refers to.'),
                }),
              )
              .default([])
              .describe('References that the schema does not declare.'),
          })
          .optional()
          .describe('A part of the source: these rows, and all that they need along foreign keys.'),
        afterLoad: z
          .array(
            z
              .strictObject({
                sql: text.optional().describe('Statements.'),
                file: text.optional().describe("A file of statements, from the config's folder."),
              })
              .refine(({ sql, file }) => (sql === undefined) !== (file === undefined), 'either sql or file'),
          )
          .default([])
          .describe('SQL that is run on the incoming database before it becomes the target, in order.'),
        keepPrevious: wholeFrom(0).default(1).describe('How many earlier databases stay on the target server.'),
        onFailure: z
          .enum(['rollback', 'keep'], 'rollback or keep')
          .default('rollback')
          .describe(
            'Where a migration or a check fails after the swap: rollback: the previous database is put back; keep: the new one stays, and the previous beside it.',
          ),
      })
      .prefault({})
      .describe('How the database is copied.'),
    guards: z
      .strictObject({
        maxShrinkPercent: z
          .number(percentWords)
          .min(0, percentWords)
          .max(100, percentWords)
          .default(50)
          .describe(
            'How much a table or bucket of the source may have lost since the last run: more stops the run before anything is replaced.',
          ),
      })
      .prefault({})
      .describe('When a run is refused.'),
    objects: objectsSchema.describe('How the pairs of buckets are copied, by their names in source.buckets.'),
    migrate: migrateSchema.describe("What brings the target's schema to its own code's revision."),
    verify: verifySchema,
    notify: notifySchema,
  })
  .superRefine((config, context) => {
    const paired = Object.keys(config.source.buckets);
    for (const { name, message } of strayObjects(Object.keys(config.objects), paired))
      context.addIssue({ code: 'custom', path: ['objects', name], message });
    for (const [side, other] of [
      ['source', 'target'],
      ['target', 'source'],
    ] as const) {
      const { buckets, aws: account, database: db } = config[side];
      for (const name of Object.keys(buckets))
        if (!Object.hasOwn(config[other].buckets, name))
          context.addIssue({
            code: 'custom',
            path: [side, 'buckets', name],
            message: `has no partner in ${other}.buckets`,
          });
      for (const [name, bucket] of Object.entries(side === 'target' ? buckets : {})) {
        const twin = Object.keys(buckets).find((one) => one !== name && buckets[one] === bucket);
        if (twin !== undefined && config.objects[name]?.delete)
          context.addIssue({
            code: 'custom',
            path: ['objects', name, 'delete'],
            message: `would delete what ${twin} brings: both go to ${bucket}`,
          });
      }
      for (const [name, bucket] of Object.entries(side === 'target' ? buckets : {}))
        if (isAccessPoint(bucket))
          context.addIssue({
            code: 'custom',
            path: ['target', 'buckets', name],
            message:
              'is an access point or an ARN, which hides which bucket is written to; the bucket itself must be named',
          });
      for (const key of Object.keys(config[side].expect ?? {}))
        if (db === undefined)
          context.addIssue({ code: 'custom', path: [side, 'expect', key], message: 'is not read without a database' });
      if (account === undefined && (Object.keys(buckets).length > 0 || (db !== undefined && isOfAws(db))))
        context.addIssue({
          code: 'custom',
          path: [side, 'aws'],
          message: 'is needed for a bucket, a secret, an identifier, or auth: iam',
        });
      if (account === undefined && side === 'target' && config.target.lambda)
        context.addIssue({ code: 'custom', path: ['target', 'aws'], message: 'is needed for lambda' });
      if (db === undefined && config[other].database !== undefined)
        context.addIssue({ code: 'custom', path: [side, 'database'], message: `is needed beside ${other}.database` });
    }
    const { tables, masks } = config.database;
    if (masks.key === undefined)
      for (const [name, rule] of Object.entries(tables))
        for (const [columnName, mask] of Object.entries(rule.mask))
          if (needsKey(mask))
            context.addIssue({
              code: 'custom',
              path: ['database', 'tables', name, 'mask', columnName],
              message: 'needs database.masks.key, a secret that decides what stands for a value',
            });
    for (const [name, { only, referencedBy }] of Object.entries(config.objects))
      if (only !== undefined && referencedBy.length === 0)
        context.addIssue({
          code: 'custom',
          path: ['objects', name, 'only'],
          message: 'needs referencedBy: the columns whose values are keys of this bucket',
        });
      else if (only === undefined && referencedBy.length > 0)
        context.addIssue({
          code: 'custom',
          path: ['objects', name, 'referencedBy'],
          message: 'is read only with only: referenced',
        });
      else if (only !== undefined && config.objects[name]?.delete)
        context.addIssue({
          code: 'custom',
          path: ['objects', name, 'delete'],
          message:
            'finds nothing beside only: referenced: what rows name is not deleted, and what they do not name is left alone',
        });
      else if (only !== undefined && config.source.database === undefined)
        context.addIssue({ code: 'custom', path: ['objects', name, 'only'], message: 'needs a database' });
    // The name is what a person types to agree to the replacing: it must not name the other end too.
    if (config.source.name === config.target.name)
      context.addIssue({ code: 'custom', path: ['target', 'name'], message: "is the source's name too" });
    if (config.source.database === undefined && paired.length === 0)
      context.addIssue({ code: 'custom', path: ['source'], message: 'has neither a database nor a bucket' });
    for (const { path, message } of strayAfter(config)) context.addIssue({ code: 'custom', path: [...path], message });
  });
