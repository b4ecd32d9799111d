import * as z from 'zod';
import { text } from './config-end.ts';
import { nearest } from './nearest.ts';
import { maskNames, type Mask } from './postgres/rules/table-rule.ts';

// What becomes of each table's rows: the part `database` of the config that is about data.

/** Masks that have settings, with some. */
const withSettings = {
  date: '{ date: { shiftDays: 30 } }',
  number: '{ number: { noise: 10 } }',
  constant: '{ constant: … }',
  json: '{ json: { path: mask } }',
  sql: '{ sql: "…" }',
} as const;
const maskWords = `a mask: ${maskNames.map((name) => (name === 'null' ? '"null"' : name)).join(', ')}, or one of date, number, constant, json, sql with its settings`;

/** What is wrong with what should be a mask. */
function noMask({ input }: { readonly input?: unknown }): string {
  if (input === null) return `a mask expected, nothing found; where null is to stand instead of a value, it is "null"`;
  const isMap = typeof input === 'object' && !Array.isArray(input);
  const keys = isMap ? Object.keys(input ?? {}) : [];
  if (keys.length > 1) return `one mask expected, ${keys.join(' and ')} found`;
  const word = isMap ? keys[0] : input;
  if (typeof word !== 'string') return maskWords;
  const example = Object.hasOwn(withSettings, word) ? withSettings[word as keyof typeof withSettings] : undefined; // its own key
  if (example !== undefined) return `${word} is a mask with settings: ${example}`;
  if (isMap && maskNames.some((name) => name === word)) return `${word} is a mask without settings: the word alone`;
  const near = nearest(word, [...maskNames, ...Object.keys(withSettings)]);
  return near === undefined ? maskWords : `there is no mask ${word}; did you mean ${near}?`;
}

/** What is wrong with what should be a rule. */
function noRule({ input }: { readonly input?: unknown }): string {
  const near = typeof input === 'string' ? nearest(input, rowWords) : undefined;
  return `copy, empty, skip, keep, merge, or a map of settings${near === undefined ? '' : `; did you mean ${near}?`}`;
}

const rowWords = ['copy', 'empty', 'skip', 'keep', 'merge'] as const;
const shiftWords = 'a whole number of days, 1 or more';
const noiseWords = 'a percentage above 0, up to 100';

const mask: z.ZodType<Mask, Mask> = z.lazy(() =>
  z.union(
    [
      z.enum(maskNames),
      z.strictObject({
        date: z.strictObject({
          shiftDays: z.int(shiftWords).min(1, shiftWords).describe('By how many days at most, either way.'),
          by: text
            .exactOptional()
            .describe(
              'The column whose value decides by how many: all rows that have the same move alike. Default: the primary key.',
            ),
        }),
      }),
      z.strictObject({
        number: z.strictObject({
          noise: z.number(noiseWords).gt(0, noiseWords).max(100, noiseWords).describe('By how many percent at most.'),
        }),
      }),
      z.strictObject({ constant: z.union([z.string(), z.number(), z.boolean()]) }),
      z.strictObject({ json: z.record(z.string(), mask) }),
      z.strictObject({ sql: text }),
    ],
    { error: noMask },
  ),
);

const collisions = z
  .enum(['source', 'target', 'fail'], 'source, target or fail')
  .describe(
    "Which row stays where one of staging's own has the same key, or another unique value, as one of production's.",
  );

const rule = z
  .strictObject({
    rows: z
      .enum(rowWords, 'copy, empty, skip, keep or merge')
      .optional()
      .describe(
        "copy: production's rows. empty: none. skip: not even the table. keep: staging's own rows instead. merge: production's and staging's own.",
      ),
    where: text.optional().describe("SQL: which of production's rows."),
    keep: z
      .strictObject({ where: text.describe("SQL: which of staging's own rows.") })
      .optional()
      .describe("Staging's own rows that stay beside production's."),
    onCollision: collisions.optional(),
    onOrphan: z
      .enum(['fail', 'drop', 'null'], 'fail, drop or "null"')
      .optional()
      .describe('What becomes of a row whose parent is not there: fail, drop the row, or null in what refers to it.'),
    carry: z
      .strictObject({
        match: z
          .union([text, z.array(text).min(1, 'at least one column')], 'a column, or a list of columns')
          .describe("The columns by which a row is known to be one that staging has; staging's may be masked."),
        columns: z.array(text).min(1, 'at least one column').describe("Columns that get staging's present value."),
        default: z
          .record(z.string(), text)
          .default({})
          .describe("SQL by column, for rows that staging does not have; else production's value stays."),
      })
      .optional()
      .describe("Values that are staging's own, such as a login's subject."),
    set: z.record(z.string(), text).default({}).describe('SQL by column, over the columns of the row.'),
    mask: z.record(z.string(), mask).default({}).describe('A mask by column.'),
    rewrite: z
      .array(z.strictObject({ from: text, to: z.string('text') }))
      .default([])
      .describe('Text that is replaced in every text, varchar, json and jsonb column without a rule of its own.'),
    allow: z.array(text).default([]).describe('Columns that look personal and are copied as they are all the same.'),
  })
  .superRefine((value, context) => {
    const rows = value.rows ?? (value.keep ? 'merge' : 'copy');
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (value.keep && value.rows !== undefined && value.rows !== 'merge')
      refuse('keep', `says that staging's rows stay beside production's; rows is ${value.rows}`);
    if (value.onCollision !== undefined && rows !== 'merge')
      refuse('onCollision', 'is read only where rows of both meet: with rows: merge, or keep with where');
    if (rows !== 'copy' && rows !== 'merge')
      for (const key of ['where', 'carry', 'set', 'mask', 'rewrite'] as const) {
        const given = value[key];
        if (given !== undefined && Object.keys(given).length > 0)
          refuse(key, `is about production's rows, and rows: ${rows} has none of them`);
      }
    for (const column of Object.keys(value.mask))
      if (Object.hasOwn(value.set, column)) refuse('set', `${column} has a mask too`);
    for (const column of Object.keys(value.carry?.default ?? {}))
      if (!value.carry?.columns.includes(column)) refuse('carry', `default: ${column} is not among columns`);
      else if (Object.hasOwn(value.set, column) || Object.hasOwn(value.mask, column))
        refuse('carry', `default: ${column} has a ${Object.hasOwn(value.set, column) ? 'set' : 'mask'} already`);
  });

/** What `database.tables` may say of a table; a word alone stands for `rows`. */
export const tableRule = z.union([z.enum(rowWords).transform((rows) => rule.parse({ rows })), rule], { error: noRule });
