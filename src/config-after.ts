import * as z from 'zod';
import { path, text, wholeFrom } from './config-end.ts';
import { readJsonPath } from './app/json-path.ts';
import { isSetHere } from './command-environment.ts';

// What comes after the copy: the parts `migrate`, `verify` and `notify` of the config.

const value = z.union([z.string(), z.number(), z.boolean()], 'text, a number, true or false');

const jsonPath = text.superRefine((place, context) => {
  try {
    readJsonPath(place);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `cannot be read: ${(error as Error).message}` }); // a SyntaxError
  }
});

const expected = z
  .record(jsonPath, value)
  .refine((fields) => Object.keys(fields).length > 0, 'at least one field and its value');

const column = z
  .string('a column, as table.column or schema.table.column')
  .regex(/^[^.]+\.[^.]+(\.[^.]+)?$/s, 'a column, as table.column or schema.table.column');

const httpStep = z
  .strictObject({
    path: path.describe('Behind target.app.url.'),
    method: z.enum(['POST', 'PUT'], 'POST or PUT').default('POST').describe('The verb of HTTP.'),
    headers: z
      .record(z.string(), z.string('text'))
      .default({})
      .describe('Beside those of target.app. One whose name speaks of a key, a token or the like is shown nowhere.'),
    body: z.unknown().optional().describe('What is sent, as JSON.'),
    expect: expected.describe('Fields of the answer that mean success; the HTTP status alone does not.'),
    timeoutSeconds: wholeFrom(1).default(120).describe('How long its answer may take.'),
    poll: z
      .strictObject({
        path: path.describe('Behind target.app.url; asked with GET.'),
        expect: expected.describe('Fields of the answer that mean that it has ended well.'),
      })
      .exactOptional()
      .describe("What is asked when no answer came. Default: the revision in the target's database."),
    withinSeconds: wholeFrom(0)
      .default(900)
      .describe('How long it may go on after the time-out, or the 504 of a gateway, before it has failed.'),
  })
  .describe("A request to the target's application, once the new database is in place.");

const commandStep = z
  .strictObject({
    run: z
      .array(text, 'a list: the program, then its arguments')
      .min(1, 'a list: the program, then its arguments')
      .describe('The program and its arguments; no shell reads them.'),
    cwd: text.optional().describe("Where it runs, from the config's folder. Default: that folder."),
    env: z
      .record(z.string(), z.string('text'))
      .superRefine((variables, context) => {
        for (const name of Object.keys(variables).filter(isSetHere))
          context.addIssue({
            code: 'custom',
            path: [name],
            message: 'is set by restage, and leads to the new database: it cannot be given',
          });
      })
      .default({})
      .describe('Variables beside DATABASE_URL and PG*, which lead to the database that it must change.'),
    timeoutSeconds: wholeFrom(1).default(900).describe('How long it may take.'),
  })
  .describe('A program that changes the new database before it is put in place.');

const migrateStep = z
  .strictObject({ http: httpStep.optional(), command: commandStep.optional() })
  .refine(({ http, command }) => (http === undefined) !== (command === undefined), 'either http or command');

const migrateSteps = z.array(migrateStep).superRefine((steps, context) => {
  const firstRequest = steps.findIndex(({ http }) => http);
  for (const [index, { command }] of steps.entries())
    if (command && firstRequest >= 0 && firstRequest < index)
      context.addIssue({
        code: 'custom',
        path: [index, 'command'],
        message: 'stands after a request: commands change the new database before it is put in place, requests after',
      });
});

const migrateSettings = z.strictObject({
  versions: text
    .optional()
    .describe("The folder of staging's migrations, from the config's folder: their graph, names and dates are read."),
  policy: z
    .enum(['refuse', 'warn'], 'refuse or warn')
    .default('refuse')
    .describe("What happens where the source's database is ahead of the target's code."),
  steps: migrateSteps.default([]).describe('In order; commands come before requests.'),
});

/** A list alone stands for its steps. */
export const migrateSchema = z
  .union([migrateSteps.transform((steps) => migrateSettings.parse({ steps })), migrateSettings], {
    error: ({ input }) =>
      input === null
        ? 'a list of steps, or a map of settings expected, nothing found'
        : 'a list of steps, or a map of settings',
  })
  .prefault([]);

const end = z.enum(['source', 'target'], 'source or target');

const comparison = {
  equals: value.exactOptional().describe('What it must be.'),
  not: value.exactOptional().describe('What it must not be.'),
  atLeast: z.number().exactOptional().describe('The least that it may be.'),
  atMost: z.number().exactOptional().describe('The most that it may be.'),
  matches: text.exactOptional().describe('A regular expression that its text must match.'),
};
const comparisons = Object.keys(comparison) as readonly (keyof typeof comparison)[]; // its own keys

const expectation = z
  .strictObject({
    end: end.default('target').describe('Whose application is asked.'),
    path: path.describe('Behind app.url.'),
    read: jsonPath.describe('Which value of the answer, e.g. total or items[0].id'),
    ...comparison,
  })
  .superRefine((check, context) => {
    if (comparisons.every((key) => check[key] === undefined))
      context.addIssue({ code: 'custom', message: `needs a comparison: ${comparisons.join(', ')}` });
    try {
      RegExp(check.matches ?? '', 'u');
    } catch (error) {
      context.addIssue({ code: 'custom', path: ['matches'], message: (error as Error).message }); // a SyntaxError
    }
  });

const total = z
  .strictObject({
    path: path.describe('Behind app.url.'),
    read: jsonPath.describe('The field to compare, e.g. total or page.total'),
    equals: z
      .literal('source', 'source')
      .optional()
      .describe("The source's application must tell the same. The default."),
    table: text.optional().describe('A table of the target: the figure must be its number of rows.'),
  })
  .refine(({ equals, table }) => equals === undefined || table === undefined, 'either equals or table');

/** What is compared when all is done. */
export const verifySchema = z
  .strictObject({
    tables: z
      .enum(['content', 'rows'], 'content or rows')
      .default('content')
      .describe('content: what every table holds is compared; rows: their number only, which is faster.'),
    objects: z
      .union(
        [z.enum(['listing', 'content']), z.strictObject({ sample: wholeFrom(1).describe('About how many.') })],
        'listing, content, or sample with a number',
      )
      .default('listing')
      .describe(
        'listing: sizes and ETags of both listings are compared; content: every object is read back too; sample: some are.',
      ),
    references: z
      .array(
        z.strictObject({
          column: column.describe('Whose values are keys.'),
          bucket: text.describe('Of which bucket, by its name in target.buckets.'),
          absent: z
            .enum(['warn', 'fail'], 'warn or fail')
            .default('warn')
            .describe("What it means where the source's bucket lacks the key too."),
        }),
      )
      .default([])
      .describe('Columns whose every value must be the key of an object in the target.'),
    health: z
      .strictObject({
        path: path.describe('Behind target.app.url.'),
        expect: expected.describe('Fields of the answer, and what they must be.'),
        checks: jsonPath
          .default('checks')
          .describe('Where the answer tells its single checks, a map or a list: shown one by one.'),
        withinSeconds: wholeFrom(0).default(20).describe('How long the application may take to become so.'),
      })
      .optional()
      .describe("What the target's application must say of itself when all is done."),
    versions: z
      .enum(['any', 'same', 'ahead'], 'any, same or ahead')
      .default('any')
      .describe(
        "How both applications' versions must stand: any: they are told; same: alike; ahead: the target's is not lower than the source's.",
      ),
    totals: z.array(total).default([]).describe('Figures of the applications that must be right when all is done.'),
    expect: z.array(expectation).default([]).describe('Any other values that the applications must tell.'),
    withinSeconds: wholeFrom(0)
      .default(20)
      .describe('How long versions, totals and expected values may take to be right, while the application restarts.'),
  })
  .prefault({})
  .describe('What is compared when all is done.');

const on = z
  .enum(['success', 'failure', 'always'], 'success, failure or always')
  .default('always')
  .describe('After which runs.');
const url = z.url({ protocol: /^https?$/, error: 'an address that begins with http:// or https://' });

const notification = z
  .strictObject({
    slack: url.optional().describe('The address of an incoming webhook of Slack.'),
    webhook: url.optional().describe('Any address: the report in JSON is sent there with POST.'),
    headers: z.record(z.string(), z.string('text')).default({}).describe('Beside webhook: sent along.'),
    on,
  })
  .superRefine(({ slack, webhook, headers }, context) => {
    if ((slack === undefined) === (webhook === undefined))
      context.addIssue({ code: 'custom', message: 'either slack or webhook' });
    if (slack !== undefined && Object.keys(headers).length > 0)
      context.addIssue({ code: 'custom', path: ['headers'], message: 'is not read beside slack' });
  });

/** Who is told how a run ended. */
export const notifySchema = z
  .array(notification)
  .default([])
  .describe('Who is told how a run ended; never what fails it.');

interface AfterSettings {
  readonly source: SettingsOfEnd;
  readonly target: SettingsOfEnd;
  readonly migrate: z.output<typeof migrateSchema>;
  readonly verify: z.output<typeof verifySchema>;
}

interface SettingsOfEnd {
  readonly app?: { readonly version?: unknown } | undefined;
  readonly database?: unknown;
  readonly buckets: Readonly<Record<string, string>>;
}

/** What of these parts speaks of something that the ends do not have. */
export function strayAfter({
  source,
  target,
  migrate,
  verify,
}: AfterSettings): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const found: { readonly path: readonly PropertyKey[]; readonly message: string }[] = [];
  const need = (has: unknown, where: readonly PropertyKey[], message: string) => {
    if (has === undefined) found.push({ path: where, message });
  };
  const { health, versions, totals, references, expect } = verify;
  if (
    migrate.steps.some(({ http }) => http) ||
    health ||
    totals.length > 0 ||
    expect.some((one) => one.end === 'target')
  )
    need(target.app, ['target', 'app'], 'is needed for requests of migrate, and for verify.health, totals and expect');
  if (totals.some(({ table }) => table === undefined) || expect.some((one) => one.end === 'source'))
    need(
      source.app,
      ['source', 'app'],
      'is needed for verify.totals that equal the source, and for verify.expect of it',
    );
  if (versions !== 'any')
    for (const [side, { app }] of Object.entries({ source, target }))
      if (!app?.version)
        found.push({
          path: ['verify', 'versions'],
          message: `is ${versions}, and ${app ? `${side}.app.version is false` : `there is no ${side}.app`}: nothing could be compared`,
        });
  if (migrate.steps.some(({ command }) => command))
    need(target.database, ['migrate'], 'has a command, which changes a database: target.database is needed');
  for (const [index, one] of totals.entries()) {
    const isSame = (other: typeof one) => other.path === one.path && other.read === one.read;
    if (totals.findIndex(isSame) < index)
      found.push({ path: ['verify', 'totals', index], message: `${one.read} of ${one.path} is there twice` });
    if (one.table !== undefined) need(target.database, ['verify', 'totals', index, 'table'], 'needs a database');
  }
  for (const [index, { bucket }] of references.entries()) {
    need(target.database, ['verify', 'references', index, 'column'], 'needs a database');
    if (!Object.hasOwn(target.buckets, bucket))
      found.push({ path: ['verify', 'references', index, 'bucket'], message: `${bucket} is not in target.buckets` });
  }
  return found;
}
