import * as z from 'zod';
import { usualPlace } from './app/version.ts';

// What a value must be, in words: one text for a wrong type, a wrong form and a wrong range alike.
export const text = z.string().min(1, 'text that is not empty');
export const path = z.string('a path that begins with /').startsWith('/', 'a path that begins with /');
export const wholeFrom = (least: number) => {
  const words = `a whole number, ${least} or more`;
  return z.int(words).min(least, words);
};
const bucketName = text.regex(/^[^/]*$/, "a bucket's name, without s3:// and without a path");
const url = z.url({ protocol: /^https?$/, error: 'an address that begins with http:// or https://' });
const accountWords = 'an account id of 12 digits, in quotes';
const portWords = 'a port from 1 to 65535';
const port = z.int(portWords).min(1, portWords).max(65535, portWords);

const endpoints = z
  .strictObject({
    s3: url.optional().describe('For S3, path style.'),
    secretsManager: url.optional().describe('For Secrets Manager.'),
    sts: url
      .optional()
      .describe(
        'For STS, which says whose the keys are and gives those of roles. Beside s3 without it the account is not asked for.',
      ),
    rds: url.optional().describe('For RDS.'),
    lambda: url.optional().describe('For Lambda.'),
    ssm: url.optional().describe('For the Parameter Store of Systems Manager.'),
  })
  .describe('Local stand-ins and other S3 stores, instead of AWS.');

const roleWords = 'the ARN of a role, arn:aws:iam::…:role/…';

const assumeRole = z.strictObject({
  role: z
    .string(roleWords)
    .regex(/^arn:[\w-]+:iam::\d{12}:role\/.+/, roleWords)
    .describe('The role, by its ARN.'),
  externalId: text.optional().describe("What the role's trust policy may demand."),
});

const aws = z
  .strictObject({
    profile: text.optional().describe('A profile of the AWS config or credentials file, of any kind.'),
    ambient: z
      .literal(true, 'true')
      .optional()
      .describe(
        "Instead of a profile: the keys that AWS's own tools find by themselves, in the environment or from the machine's, task's or function's role.",
      ),
    assumeRole: assumeRole.optional().describe('A role that the keys of profile, or the ambient ones, take on.'),
    region: text.optional().describe("Default: the profile's own region."),
    account: z
      .string(accountWords)
      .regex(/^\d{12}$/, accountWords)
      .optional()
      .describe('The account that it must turn out to be.'),
    onLambda: z
      .strictObject({
        assumeRole: assumeRole.optional().describe("A role that the function's own role takes on for this end."),
      })
      .optional()
      .describe("In the function, which has no profiles, instead of them; without it the function's own role is used."),
    endpoints: endpoints.optional(),
  })
  .superRefine((value, context) => {
    if (value.profile !== undefined && value.ambient)
      context.addIssue({ code: 'custom', path: ['ambient'], message: 'is not read beside profile' });
    if (value.profile === undefined && !value.ambient)
      context.addIssue({ code: 'custom', message: 'needs profile, or ambient: true' });
  })
  .describe('One AWS account.');

const via = z
  .strictObject({
    command: z
      .array(text, 'a list: the program, then its arguments')
      .min(1, 'a list: the program, then its arguments')
      .describe(
        "What forwards a port of this machine to the database; {localPort}, {host} and {port} stand for that port and the database's own.",
      ),
    localPort: port.optional().describe('Default: one that is free, by {localPort}.'),
    withinSeconds: wholeFrom(1).default(20).describe('How long it may take to listen.'),
  })
  .superRefine(({ command, localPort }, context) => {
    if (localPort === undefined && !command.some((part) => part.includes('{localPort}')))
      context.addIssue({
        code: 'custom',
        path: ['command'],
        message: 'has no {localPort}; without it localPort must say where the command listens',
      });
  })
  .describe('A forwarder, such as ssh -L or an SSM session, that restage starts and ends.');

const database = z
  .strictObject({
    secret: text
      .optional()
      .describe('Name or ARN of a Secrets Manager secret: host, port, username, password, dbname or database.'),
    url: text.optional().describe('postgres://user:password@host:port/database'),
    identifier: text
      .optional()
      .describe('Of an RDS instance or Aurora cluster, whose endpoint RDS is asked for; instead of host and port.'),
    host: text.optional().describe('Beside user. Beside secret: instead of the one in it, if it has one.'),
    port: port.optional().describe('Default: what RDS or the secret says, else 5432.'),
    database: text
      .optional()
      .describe('Its name, beside user. Beside secret: instead of the one in it, if it has one.'),
    user: text
      .optional()
      .describe('Who logs in, with passwordEnv or auth: iam; not beside secret or url, which hold it.'),
    passwordEnv: text.optional().describe('The environment variable that holds the password.'),
    auth: z
      .literal('iam', 'iam')
      .optional()
      .describe('iam: a token of IAM, made anew for each connection, instead of a password.'),
    tls: z
      .enum(['verify-full', 'disable'], 'verify-full or disable')
      .optional()
      .describe('Default: verify-full, but disable on loopback.'),
    ca: text
      .optional()
      .describe(
        "A PEM file with certificates to trust, beside the web's, which Node brings along, and RDS's; from the config's folder.",
      ),
    via: via.optional(),
  })
  .superRefine((value, context) => {
    const problem = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    const ways = [value.secret && 'secret', value.url && 'url', value.user && 'user'].filter(Boolean);
    if (ways.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `one of secret, url, or host (or identifier) with user and passwordEnv (or auth: iam)${ways.length > 1 ? `; it has ${ways.join(' and ')}` : ''}`,
      });
    if (value.user && !value.secret && !value.url) {
      if (value.host === undefined && value.identifier === undefined)
        problem('host', 'is needed beside user, or identifier');
      if (value.database === undefined) problem('database', 'is needed beside user');
      if (value.passwordEnv === undefined && value.auth === undefined)
        problem('passwordEnv', 'is needed beside user, or auth: iam');
      if (value.passwordEnv !== undefined && value.auth !== undefined)
        problem('passwordEnv', 'is not read beside auth: iam');
    }
    // What would be read past must not look as if it counted.
    if (value.url)
      for (const key of ['host', 'port', 'database', 'passwordEnv', 'identifier', 'auth'] as const)
        if (value[key] !== undefined) problem(key, 'is not read beside url, which holds it');
    if (value.url && URL.canParse(value.url) && new URL(value.url).search !== '')
      problem('url', 'its part after ? is not read; for TLS there is tls');
    if (value.secret)
      for (const key of ['passwordEnv', 'auth'] as const)
        if (value[key] !== undefined) problem(key, 'is not read beside secret, which holds the password');
    if (value.identifier !== undefined)
      for (const key of ['host', 'port'] as const)
        if (value[key] !== undefined) problem(key, 'is not read beside identifier, which RDS is asked for');
    if (value.tls === 'disable') {
      if (value.ca !== undefined) problem('ca', 'is not read beside tls: disable');
      if (value.auth === 'iam') problem('tls', 'a token of IAM is a password: it does not go without TLS');
    }
  })
  .describe('A PostgreSQL database.');

/** Whether the way to a database leads through an AWS account. */
export function isOfAws({
  secret,
  identifier,
  auth,
}: Readonly<Partial<Pick<z.output<typeof database>, 'secret' | 'identifier' | 'auth'>>>): boolean {
  return secret !== undefined || identifier !== undefined || auth !== undefined;
}

const versionPlace = z.strictObject({
  path: path.default(usualPlace.path).describe('Behind url.'),
  version: text.default(usualPlace.version).describe('The field of its version.'),
  environment: text.default(usualPlace.environment).describe('The field of its environment.'),
  sha: text.default(usualPlace.sha).describe('The field of the commit that it was built from.'),
});

const app = z
  .strictObject({
    url: url.describe('The base of its API, e.g. https://api.example.com/api/v1'),
    environment: text.optional().describe('What its version answer must give as environment.'),
    version: z
      .union(
        [
          path.transform((place) => versionPlace.parse({ path: place })),
          z.literal(false).transform(() => undefined),
          versionPlace,
        ],
        'a path that begins with /, false, or a map of path and fields',
      )
      .prefault(usualPlace.path)
      .describe('Where it tells its version; false: nowhere.'),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .describe('Sent with every request. One whose name speaks of a key, a token or the like is shown nowhere.'),
  })
  .superRefine(({ environment, version }, context) => {
    if (environment !== undefined && version === undefined)
      context.addIssue({
        code: 'custom',
        path: ['environment'],
        message: 'is not read beside version: false, for the version answer tells it',
      });
  })
  .describe('The application behind this end.');

const runsWords = 's3://bucket/prefix';

const host = text.describe(
  'What the database\'s host must be; * stands for any characters, e.g. "*.rds.amazonaws.com".',
);

const end = z.strictObject({
  name: text.describe('What it is called in plans and reports.'),
  aws: aws.optional(),
  database: database.optional(),
  buckets: z
    .record(z.string(), bucketName)
    .default({})
    .describe('Buckets by a name of your own; the same name at both ends makes a pair.'),
  app: app.optional(),
  expect: z
    .strictObject({ host: host.optional() })
    .optional()
    .describe('What the end must turn out to be, whatever its names lead to.'),
});

export const sourceEnd = end;

export const targetEnd = end.extend({
  name: text.describe('What it is called, and what a person types to agree to a sync.'),
  lambda: z
    .strictObject({
      function: text.describe('Its name or ARN.'),
      runs: z
        .string(runsWords)
        .regex(/^s3:\/\/[^/]+(\/.*)?$/, runsWords)
        .optional()
        .describe(
          'Where it keeps the state, the progress and the reports of its runs: s3://bucket/prefix, in its own account. Without it no run goes on in a second invocation, and none is followed.',
        ),
    })
    .optional()
    .describe('The function that refreshes the database inside the VPC.'),
  expect: z
    .strictObject({
      host: host.optional(),
      restoredFromSource: z
        .boolean('true or false')
        .optional()
        .describe("Its server was once restored from the source's disk, and is not its primary."),
    })
    .optional()
    .describe('What the end must turn out to be, whatever its names lead to.'),
});
