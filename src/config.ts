import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { RestageError } from './errors.ts';
import { nearest } from './nearest.ts';

const text = z.string().min(1);
const url = z.url({ protocol: /^https?$/ });

const endpoints = z
  .strictObject({ s3: url.optional(), secretsManager: url.optional(), sts: url.optional() })
  .describe('Local stand-ins and other S3 stores, instead of AWS.');

const aws = z
  .strictObject({
    profile: text.describe('A profile of the AWS config or credentials file.'),
    region: text.optional().describe("Default: the profile's own region."),
    account: z
      .string()
      .regex(/^\d{12}$/, 'an account id of 12 digits, in quotes')
      .optional()
      .describe('The account that the profile must turn out to be.'),
    endpoints: endpoints.optional(),
  })
  .describe('One AWS account.');

const database = z
  .strictObject({
    secret: text
      .optional()
      .describe('Name or ARN of a Secrets Manager secret: host, port, username, password, dbname or database.'),
    url: text.optional().describe('postgres://user:password@host:port/database'),
    host: text.optional().describe('With `secret`: for secrets without a host.'),
    port: z.int().min(1).max(65535).optional(),
    database: text.optional(),
    user: text.optional(),
    passwordEnv: text.optional().describe('The environment variable that holds the password.'),
    tls: z.enum(['verify-full', 'disable']).optional().describe('Default: verify-full, but disable on loopback.'),
  })
  .superRefine((value, context) => {
    const ways = [value.secret && 'secret', value.url && 'url', value.user && 'user'].filter(Boolean);
    if (ways.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `one of secret, url, or host with user and passwordEnv${ways.length > 1 ? `; it has ${ways.join(' and ')}` : ''}`,
      });
    if (value.user && !value.secret && !value.url)
      for (const key of ['host', 'database', 'passwordEnv'] as const)
        if (value[key] === undefined)
          context.addIssue({ code: 'custom', path: [key], message: 'is needed beside user' });
  })
  .describe('A PostgreSQL database.');

const app = z
  .strictObject({
    url: url.describe('The base of its API, e.g. https://api.example.com/api/v1'),
    environment: text.optional().describe('What its version answer must give as environment.'),
    version: z.string().startsWith('/').default('/health/version').describe('Where it tells its version.'),
    headers: z.record(z.string(), z.string()).default({}),
  })
  .describe('The application behind this end.');

const end = z.strictObject({
  name: text,
  aws: aws.optional(),
  database: database.optional(),
  buckets: z
    .record(z.string(), text)
    .default({})
    .describe('Buckets by a name of your own; the same name at both ends makes a pair.'),
  app: app.optional(),
});

const expected = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .refine((value) => Object.keys(value).length > 0, 'at least one field and its value');

const schema = z
  .strictObject({
    version: z.literal(1),
    source: end.describe('Production. It is only read.'),
    target: end.describe('Staging.'),
    database: z
      .strictObject({
        mode: z
          .literal('clone')
          .default('clone')
          .describe("clone: production's schema and data, built beside, then swapped in."),
        keepPrevious: z.int().min(0).default(1).describe('How many earlier databases stay on the target server.'),
      })
      .prefault({}),
    migrate: z
      .array(
        z.strictObject({
          http: z.strictObject({
            path: z.string().startsWith('/'),
            method: z.enum(['POST', 'PUT']).default('POST'),
            expect: expected.describe('Fields of the answer that mean success; the HTTP status alone does not.'),
            timeoutSeconds: z.int().min(1).default(120),
          }),
        }),
      )
      .default([])
      .describe("Steps that bring the target's schema to its own code's revision, in order."),
    verify: z
      .strictObject({
        health: z
          .strictObject({
            path: z.string().startsWith('/'),
            expect: expected,
            withinSeconds: z.int().min(0).default(20).describe('How long the application may take to become so.'),
          })
          .optional(),
        totals: z
          .array(
            z.strictObject({
              path: z.string().startsWith('/'),
              read: text.describe('The field to compare, e.g. total or page.total'),
              equals: z.literal('source').default('source'),
            }),
          )
          .default([]),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const paired = Object.keys(config.source.buckets);
    for (const [side, other] of [
      ['source', 'target'],
      ['target', 'source'],
    ] as const) {
      const { buckets, aws: account, database: db } = config[side];
      for (const name of Object.keys(buckets))
        if (!(name in config[other].buckets))
          context.addIssue({
            code: 'custom',
            path: [side, 'buckets', name],
            message: `has no partner in ${other}.buckets`,
          });
      if (account === undefined && (Object.keys(buckets).length > 0 || db?.secret !== undefined))
        context.addIssue({ code: 'custom', path: [side, 'aws'], message: 'is needed for a bucket or a secret' });
      if (db === undefined && config[other].database !== undefined)
        context.addIssue({ code: 'custom', path: [side, 'database'], message: `is needed beside ${other}.database` });
    }
    if (config.source.database === undefined && paired.length === 0)
      context.addIssue({ code: 'custom', path: ['source'], message: 'has neither a database nor a bucket' });
    if ((config.migrate.length > 0 || config.verify.health) && config.target.app === undefined)
      context.addIssue({ code: 'custom', path: ['target', 'app'], message: 'is needed for migrate and verify.health' });
    if (config.verify.totals.length > 0)
      for (const side of ['source', 'target'] as const)
        if (config[side].app === undefined)
          context.addIssue({ code: 'custom', path: [side, 'app'], message: 'is needed for verify.totals' });
  });

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The configuration, parsed and trusted: every default filled in, every name spelled right, passwords in place. */
export type Config = DeepReadonly<z.output<typeof schema>> & {
  /** What `passwordEnv` named, by the variable's name. */
  readonly passwords: Readonly<Record<string, string>>;
};
export type EndConfig = Config['source'];
export type AwsConfig = NonNullable<EndConfig['aws']>;
export type DatabaseConfig = NonNullable<EndConfig['database']>;
export type AppConfig = NonNullable<EndConfig['app']>;

/** The JSON Schema of restage.yaml, for editors. */
export function configSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { $schema, title: 'restage.yaml', ...rest };
}

export interface LoadOptions {
  /** The file's name, for messages. */
  readonly file?: string;
  /** What `${VAR}` and `passwordEnv` are read from; the library itself never reads the environment. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * YAML text, or the object that it would give, as a Config.
 * Throws `config-invalid` with every problem at once: line, path, what was expected, and the near name of a wrong key.
 */
export function loadConfig(settings: string | object, options: LoadOptions = {}): Config {
  const file = options.file ?? 'restage.yaml';
  const variables = options.variables ?? {};
  const lines = new LineCounter();
  const document =
    typeof settings === 'string' ? parseDocument(settings, { lineCounter: lines, prettyErrors: false }) : undefined;
  if (document && document.errors.length > 0) {
    const found = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      return `${file}:${line}:${col}  ${error.message.split('\n', 1)[0]}`;
    });
    throw invalid(file, found);
  }
  const problems: Problem[] = [];
  const raw: unknown = document ? document.toJS() : settings;
  const parsed = schema.safeParse(substitute(raw, variables, problems));
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(problemsOf));
  const passwords: Record<string, string> = {};
  if (parsed.success)
    for (const side of ['source', 'target'] as const) {
      const name = parsed.data[side].database?.passwordEnv;
      const value = name === undefined ? undefined : variables[name];
      if (name !== undefined && value === undefined)
        problems.push({ path: [side, 'database', 'passwordEnv'], message: `the variable ${name} is not set` });
      else if (name !== undefined && value !== undefined) passwords[name] = value;
    }
  if (!parsed.success || problems.length > 0)
    throw invalid(
      file,
      problems.map((problem) => place(problem, file, document, lines)),
    );
  return { ...parsed.data, passwords };
}

function invalid(file: string, lines: readonly string[]): RestageError {
  const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`;
  return new RestageError('config-invalid', `${file} has ${count}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** Puts the problem's line before it; for what is missing, the line of the innermost part that is there. */
function place(
  problem: Problem,
  file: string,
  document: ReturnType<typeof parseDocument> | undefined,
  lines: LineCounter,
): string {
  const path = problem.path.map(String).join('.') || 'the file';
  const said = `${path}: ${problem.message}`;
  if (!document) return said;
  for (let depth = problem.path.length; depth >= 0; depth--) {
    const node: unknown = depth === 0 ? document.contents : document.getIn(problem.path.slice(0, depth), true);
    const start =
      typeof node === 'object' && node && 'range' in node && Array.isArray(node.range)
        ? Number(node.range[0])
        : undefined;
    if (start !== undefined) return `${file}:${lines.linePos(start).line}  ${said}`;
  }
  return `${file}:1  ${said}`;
}

/** Replaces every `${VAR}` in every string; `$${` stands for a literal `${`. */
function substitute(
  value: unknown,
  variables: NonNullable<LoadOptions['variables']>,
  problems: Problem[],
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string')
    return value.replace(/\$?\$\{(\w+)\}/g, (match, name: string) => {
      if (match.startsWith('$$')) return match.slice(1);
      const found = variables[name];
      if (found === undefined) problems.push({ path, message: `the variable ${name} is not set` });
      return found ?? match;
    });
  if (Array.isArray(value)) return value.map((item, index) => substitute(item, variables, problems, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, variables, problems, [...path, key])]),
    );
  return value;
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      return {
        path: [...issue.path, key],
        message: `unknown key${near ? `; did you mean ${near}?` : `; known here: ${known.join(', ')}`}`,
      };
    });
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message))
    return [{ path: issue.path, message: `is missing; ${issue.expected} expected` }];
  return [{ path: issue.path, message: issue.message.replace(/^Invalid input: /, '') }];
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  type Node = { properties?: Record<string, Node>; items?: Node; additionalProperties?: Node };
  let node = configSchema() as Node | undefined; // the JSON Schema of objects, arrays and records has this shape
  for (const step of path)
    node = typeof step === 'number' ? node?.items : (node?.properties?.[String(step)] ?? node?.additionalProperties);
  return Object.keys(node?.properties ?? {});
}
