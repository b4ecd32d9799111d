import * as z from 'zod';
import { nearest } from './nearest.ts';
import { readGlob } from './s3/glob.ts';
import { storageClasses } from './s3/carried.ts';

const text = z.string().min(1, 'text that is not empty');

const pattern = text.superRefine((value, context) => {
  try {
    readGlob(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` }); // a SyntaxError
  }
});

const countWords = 'a whole number, 0 or more';
const percentWords = 'a number from 0 to 100';

const objects = z
  .strictObject({
    prefix: text.optional().describe('Only keys that begin so.'),
    include: z
      .array(pattern)
      .default([])
      .describe('Patterns of keys, of which one must match: * within a part between slashes, ** across.'),
    exclude: z.array(pattern).default([]).describe('Patterns of keys that are left alone, at both ends.'),
    renames: z
      .record(z.string(), z.string('text'))
      .default({})
      .describe('What keys of the source begin with, and what they begin with in the target instead.'),
    only: z
      .literal('referenced', 'referenced')
      .optional()
      .describe('referenced: only keys that rows of the new database name, in the columns of referencedBy.'),
    referencedBy: z
      .array(text.regex(/^[^.]+\.[^.]+(\.[^.]+)?$/s, 'a column, as table.column or schema.table.column'))
      .default([])
      .describe('Columns whose values are keys of this bucket.'),
    route: z
      .enum(['auto', 'server', 'stream'], 'auto, server or stream')
      .default('auto')
      .describe(
        "server: S3 copies by itself, where the target's keys may read the source; stream: by way of this process.",
      ),
    storageClass: z
      .enum(['keep', ...storageClasses], `keep, or one of ${storageClasses.join(', ')}`)
      .optional()
      .describe("Default: STANDARD. keep: each object's own."),
    encryption: z
      .union([z.literal('AES256'), z.strictObject({ kmsKey: text.describe('Id or ARN of a key of KMS.') })], {
        error: 'AES256, or kmsKey with the id of a key',
      })
      .optional()
      .describe("Default: the target bucket's own."),
    acl: z
      .enum(['private', 'public-read', 'bucket-owner-read', 'bucket-owner-full-control'], {
        error: 'private, public-read, bucket-owner-read or bucket-owner-full-control',
      })
      .optional()
      .describe('Default: bucket-owner-full-control where the target bucket has ACLs on, else none.'),
    mayBeEmpty: z
      .boolean('true or false')
      .default(false)
      .describe('The source may list no object that counts; otherwise that is refused.'),
    mayShrink: z
      .boolean('true or false')
      .default(false)
      .describe('The source may have lost any share of its objects since the last run.'),
    delete: z
      .strictObject(
        {
          maxCount: z
            .int(countWords)
            .min(0, countWords)
            .default(1000)
            .describe('More is refused, and nothing deleted.'),
          maxPercent: z
            .number(percentWords)
            .min(0, percentWords)
            .max(100, percentWords)
            .default(10)
            .describe("Of the target's objects. Also how far the source may have shrunk since the plan."),
        },
        'a map; {} for at most 1,000 objects and 10 %',
      )
      .optional()
      .describe('Deletes what only the target has, last of all. Without it nothing is deleted.'),
    backup: z
      .string('a prefix that ends with /')
      .regex(/^.+\/$/s, 'a prefix that ends with /')
      .optional()
      .describe('Where the target keeps what is overwritten or deleted, by run.'),
  })
  .superRefine((value, context) => {
    const pairs = Object.entries(value.renames);
    for (const [from, to] of pairs) {
      const path = ['renames', from];
      if (from === '') {
        context.addIssue({
          code: 'custom',
          path,
          message: 'is empty: every key begins so; name what those to rename begin with',
        });
        continue;
      }
      if (to !== '' && from.endsWith('/') !== to.endsWith('/'))
        context.addIssue({
          code: 'custom',
          path,
          message: `both end with /, or neither: ${to} would make ${from}a into ${to}a`,
        });
      if (from === to) context.addIssue({ code: 'custom', path, message: 'is renamed to itself' });
      const inside = pairs.find(([other]) => other !== '' && other !== from && from.startsWith(other));
      if (inside) context.addIssue({ code: 'custom', path, message: `begins with ${inside[0]}, which is renamed too` });
      const same = pairs.find(([other, there]) => other !== '' && other !== from && to.startsWith(there));
      if (same) context.addIssue({ code: 'custom', path, message: `goes where ${same[0]} goes too: ${same[1]}` });
      const { backup } = value;
      if (backup !== undefined && to.startsWith(backup))
        context.addIssue({ code: 'custom', path, message: `goes where the backup is kept: ${backup}` });
    }
  });

/** How each pair of buckets is copied, by the config's name for it. */
export const objectsSchema = z.record(z.string(), objects).default({});

export type ObjectsConfig = z.output<typeof objects>;

/** What holds where the config says nothing of a pair. */
export const usualObjects: ObjectsConfig = objects.parse({});

/** Settings for buckets that there are none of. */
export function strayObjects(
  named: readonly string[],
  buckets: readonly string[],
): { name: string; message: string }[] {
  return named
    .filter((name) => !buckets.includes(name))
    .map((name) => {
      const near = nearest(name, buckets);
      return {
        name,
        message: `is no bucket of source.buckets${near ? `; did you mean ${near}?` : ''}`,
      };
    });
}
