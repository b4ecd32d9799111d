import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { RestageError } from './errors.ts';

const minimal = `version: 1
source:
  name: production
  database: { url: "postgres://restage@db.example.com/shop" }
target:
  name: staging
  database: { url: "postgres://restage@staging.example.com/shop" }
`;

/** The lines of the refusal, the first of which counts them. */
function problems(settings: string | object, variables: Record<string, string> = {}): string[] {
  try {
    loadConfig(settings, { variables });
  } catch (error) {
    if (error instanceof RestageError && error.code === 'config-invalid')
      return error.message.split('\n').map((line) => line.trim());
    throw error;
  }
  return [];
}

test('the example of BlueMoxon loads, with every default filled in', () => {
  const file = new URL('../examples/bluemoxon/restage.yaml', import.meta.url);
  const config = loadConfig(readFileSync(file, 'utf8'), {
    variables: { STAGING_API_KEY: 'k-1', RESTAGE_MASK_KEY: '0123456789abcdef' },
  });
  expect(config.target.app?.headers).toEqual({ 'X-API-Key': 'k-1' });
  expect(config.source.app?.version).toEqual({
    path: '/health/version',
    version: 'version',
    environment: 'environment',
    sha: 'git_sha',
  });
  expect(config.migrate.steps[0]?.http).toMatchObject({ method: 'POST', timeoutSeconds: 120 });
  expect(config.verify.health?.withinSeconds).toBe(20);
  expect(config.verify.totals[0]?.table).toBeUndefined();
});

test('what is left out of a small config has its default', () => {
  expect(loadConfig(minimal)).toMatchObject({
    source: { buckets: {} },
    database: { mode: 'clone', keepPrevious: 1 },
    migrate: { policy: 'refuse', steps: [] },
    verify: { totals: [] },
    passwords: {},
  });
});

test('every problem is told at once, each with its line', () => {
  const text = `version: 2
source:
  name: ""
  database: { host: h, database: d, user: u, passwordEnv: P, port: 70000 }
target:
  database: { url: "\${STAGING_URL}" }
database:
  keepPrevious: -1
`;
  const [head, ...told] = problems(text);
  expect(head).toBe('restage.yaml has 6 problems:');
  expect(told).toEqual([
    expect.stringMatching(/^restage\.yaml:1 {2}version: /),
    expect.stringMatching(/^restage\.yaml:3 {2}source\.name: /),
    expect.stringMatching(/^restage\.yaml:4 {2}source\.database\.port: a port from 1 to 65535$/),
    expect.stringMatching(/^restage\.yaml:5 {2}target\.name: is missing; text expected$/),
    expect.stringMatching(/^restage\.yaml:6 {2}target\.database\.url: the variable STAGING_URL is not set$/),
    expect.stringMatching(/^restage\.yaml:8 {2}database\.keepPrevious: /),
  ]);
});

test('a misspelt key does not hide what is wrong between the parts', () => {
  const text = minimal
    .replace('name: staging', 'name: staging\n  regoin: x')
    .replace('version: 1', 'version: 1\nmigrate: [{ http: { path: /m, expect: { status: ok } } }]');
  expect(problems(text)).toEqual(
    expect.arrayContaining([
      expect.stringContaining('target.regoin: unknown key'),
      expect.stringContaining('target.app: is needed for requests of migrate'),
    ]),
  );
});

test('an unknown key is told with the line it stands on and the key that was meant', () => {
  const text = `${minimal}datbase:\n  mode: clone\n`;
  expect(problems(text)[1]).toBe('restage.yaml:8  datbase: unknown key; did you mean database?');
});

test('an unknown key that is near to none is told with the keys there are', () => {
  expect(problems(`${minimal}verify: { colour: blue }\n`)[1]).toBe(
    'restage.yaml:8  verify.colour: unknown key; known here: tables, objects, references, health, versions, totals, expect, withinSeconds',
  );
});

test('YAML that cannot be read is told with line and column', () => {
  expect(problems('version: 1\nsource: [\n')[1]).toMatch(/^restage\.yaml:\d+:\d+ {2}\S/);
});

test('an empty file is one problem, and no crash', () => {
  expect(problems('')).toEqual([
    'restage.yaml has a problem:',
    'restage.yaml:1  the file is empty; it needs version, source and target',
  ]);
});

test('variables are put in anywhere in a text, and a doubled dollar keeps them out', () => {
  const config = loadConfig(
    minimal.replace('name: staging', () => `name: "\${WHERE}-\${NUMBER} $\${WHERE} $\${not-a-name} $5"`),
    { variables: { WHERE: 'staging', NUMBER: '2' } },
  );
  expect(config.target.name).toBe('staging-2 ${WHERE} ${not-a-name} $5');
});

test('the value of a variable is text, and is not looked into again', () => {
  const config = loadConfig(
    minimal.replace('name: staging', () => `name: "\${WHERE}"`),
    {
      variables: { WHERE: '${HOME}: [1]' },
    },
  );
  expect(config.target.name).toBe('${HOME}: [1]');
});

test('passwordEnv gives the password, and an unset one is told with its line', () => {
  const text = minimal.replace(
    '{ url: "postgres://restage@staging.example.com/shop" }',
    '{ host: h, database: d, user: u, passwordEnv: STAGING_PASSWORD }',
  );
  expect(loadConfig(text, { variables: { STAGING_PASSWORD: 'hunter22' } }).passwords).toEqual({
    STAGING_PASSWORD: 'hunter22',
  });
  expect(problems(text)).toEqual([
    'restage.yaml has a problem:',
    'restage.yaml:7  target.database.passwordEnv: the variable STAGING_PASSWORD is not set',
  ]);
});

test.each([
  ['{}', /one of secret, url, or host \(or identifier\) with user and passwordEnv \(or auth: iam\)$/],
  ['{ host: h }', /one of secret, url, or host \(or identifier\) with user and passwordEnv \(or auth: iam\)$/],
  ['{ url: "postgres://h/d", user: u }', /it has url and user$/],
  ['{ url: "postgres://h/d", secret: s }', /it has secret and url$/],
  ['{ user: u, host: h, passwordEnv: P }', /target\.database\.database: is needed beside user$/],
])('a database that is %s is refused', (database, message) => {
  const text = minimal.replace('{ url: "postgres://restage@staging.example.com/shop" }', database);
  expect(problems(text).some((line) => message.test(line))).toBe(true);
});

test.each([
  ['url: "postgres://u@h/d", port: 1', 'database.port: is not read beside url, which holds it'],
  ['url: "postgres://u@h/d", database: d', 'database.database: is not read beside url, which holds it'],
  ['url: "postgres://u@h/d", passwordEnv: P', 'database.passwordEnv: is not read beside url, which holds it'],
  ['url: "postgres://u@h/d?sslmode=require"', 'database.url: its part after ? is not read; for TLS there is tls'],
  ['secret: s, passwordEnv: P', 'database.passwordEnv: is not read beside secret, which holds the password'],
])('what would not be read is refused: %s', (database, message) => {
  const text = minimal.replace('url: "postgres://restage@staging.example.com/shop"', database);
  expect(problems(text)).toContain(`restage.yaml:7  target.${message}`);
});

test.each([
  ['- a\n', 'restage.yaml:1  a map of settings expected, a list found'],
  ['a text\n', 'restage.yaml:1  a map of settings expected, text found'],
  ['# nothing\n', 'restage.yaml:1  the file is empty; it needs version, source and target'],
  [
    minimal.replace('  name: production', '\tname: production'),
    'restage.yaml:3:1  tabs cannot indent YAML; use spaces',
  ],
  [
    minimal.replace('  name: staging', '  name: staging\n\tx: 1'),
    'restage.yaml:7:1  tabs cannot indent YAML; use spaces',
  ],
  [`${minimal}---\n${minimal}`, 'restage.yaml:8:1  the file holds two documents (---); one is read'],
  ['a: *b\n', 'restage.yaml  Unresolved alias (the anchor must be set before the alias): b'],
])('a file that is no map of settings is one problem: %j', (text, said) => {
  expect(problems(text)).toEqual(['restage.yaml has a problem:', said]);
});

test('every key that is there twice is named', () => {
  const text = minimal.replace('name: production', 'name: production\n  "name": again').concat('version: 1\n');
  expect(problems(text)).toEqual([
    'restage.yaml has 2 problems:',
    'restage.yaml:4:3  name is there twice',
    'restage.yaml:9:1  version is there twice',
  ]);
});

test.each([
  ['version: 2', 'version: 1, the version of this format'],
  ['version: 1\nmigrate: 1', 'migrate: a list of steps, or a map of settings'],
  ['version: 1\ndatabase: { keepPrevious: many }', 'database.keepPrevious: a whole number, 0 or more'],
  ['version: 1\nverify: { health: { path: deep, expect: { a: 1 } } }', 'verify.health.path: a path that begins with /'],
])('a value of a wrong kind is told in words: %s', (settings, said) => {
  expect(problems(minimal.replace('version: 1', settings)).some((line) => line.endsWith(said))).toBe(true);
});

/** The problems of a `migrate` beside applications at both ends; line 11 is the first below it. */
function problemsOfMigrate(...lines: readonly string[]): string[] {
  const app = '  app: { url: "https://api.example.com" }';
  const ends = minimal.replace('target:', `${app}\ntarget:`).concat(`${app}\n`);
  return problems(`${ends}migrate:\n${lines.join('\n')}\n`).slice(1);
}

const request = '{ http: { path: /m, expect: { status: ok } } }';
const command = '{ command: { run: [alembic, upgrade, head] } }';

test.each([
  ['after a request', [request, command], 'command: stands after a request: commands change'],
  [
    'as one text',
    ['{ command: { run: alembic upgrade head } }'],
    'command.run: a list: the program, then its arguments',
  ],
  [
    'without arguments or program',
    ['{ command: { run: [] } }'],
    'command.run: a list: the program, then its arguments',
  ],
  [
    'with an address',
    ['{ command: { run: [x], env: { DATABASE_URL: "postgres://elsewhere/x" } } }'],
    'command.env.DATABASE_URL: is set by restage',
  ],
  ['with an option of libpq', ['{ command: { run: [x], env: { PGOPTIONS: x } } }'], 'command.env.PGOPTIONS: is set by'],
  ['with a wrong key', ['{ comand: { run: [x] } }'], 'comand: unknown key; did you mean command?'],
  ['of neither kind', ['{}'], 'either http or command'],
])('a command %s is told with its line and path, in a list and in a map', (_how, steps, said) => {
  const list = steps.map((step) => `  - ${step}`);
  const [at, last] = [11 + steps.length - 1, steps.length - 1];
  const dot = said.startsWith('either') ? ': ' : '.';
  expect(problemsOfMigrate(...list).join('\n')).toContain(`restage.yaml:${at}  migrate.${last}${dot}${said}`);
  expect(problemsOfMigrate('  steps:', ...list.map((line) => `  ${line}`)).join('\n')).toContain(
    `restage.yaml:${at + 1}  migrate.steps.${last}${dot}${said}`,
  );
});

test.each([
  ['method: GET', 'method: POST or PUT'],
  ['expects: { a: 1 }', 'expects: unknown key; did you mean expect?'],
  ['expect: { "a..b": 1 }', 'expect.a..b: cannot be read: "..b" in "a..b" is no step of a path'],
  ['expect: {}', 'expect: at least one field and its value'],
  ['timeoutSeconds: 0', 'timeoutSeconds: a whole number, 1 or more'],
  ['withinSeconds: -1', 'withinSeconds: a whole number, 0 or more'],
  ['poll: { path: status, expect: { a: 1 } }', 'poll.path: a path that begins with /'],
  ['poll: { path: /status }', 'poll.expect: is missing; a map of settings expected'],
  ['headers: { X-Key: 1 }', 'headers.X-Key: text'],
])('a request that cannot be is told: %s', (setting, said) => {
  const rest = setting.startsWith('expect:') ? '' : ', expect: { status: ok }';
  expect(problemsOfMigrate(`  - http: { path: /m, ${setting}${rest} }`)).toContain(
    `restage.yaml:11  migrate.0.http.${said}`,
  );
});

test('a command runs in the folder of the config, or one below it', () => {
  const text = `${minimal}migrate: { versions: code/versions, steps: [${command}, { command: { run: [x], cwd: code } }] }`;
  const { migrate } = loadConfig(text, { file: '/srv/shop/restage.yaml' });
  expect(migrate.versions).toBe('/srv/shop/code/versions');
  expect(migrate.steps.map((step) => step.command?.cwd)).toEqual(['/srv/shop', '/srv/shop/code']);
  expect(migrate.steps[0]?.command).toMatchObject({ timeoutSeconds: 900, env: {} });
});

test('a command without a database is refused', () => {
  const text = minimal
    .replaceAll(/^ {2}database.*$/gm, '  aws: { profile: p }\n  buckets: { a: x }')
    .replace('x }', 'y }');
  expect(problems(`${text}migrate: [${command}]\n`).join('\n')).toContain(
    'migrate: has a command, which changes a database: target.database is needed',
  );
});

test('an account id without quotes is told to need them', () => {
  const text = minimal.replace('name: staging', 'name: staging\n  aws: { profile: p, account: 123456789012 }');
  expect(problems(text)[1]).toBe('restage.yaml:7  target.aws.account: an account id of 12 digits, in quotes');
});

test('both ends by one name are refused, for the name is what a person confirms', () => {
  expect(problems(minimal.replace('staging', 'production'))[1]).toBe(
    "restage.yaml:6  target.name: is the source's name too",
  );
});

test('a total that is asked for twice is refused', () => {
  const total = '{ path: /books, read: total }';
  const text = `${minimal}verify: { totals: [${total}, { path: /books, read: pages }, ${total}] }\n`;
  expect(problems(text)).toContain('restage.yaml:8  verify.totals.2: total of /books is there twice');
});

test('a variable that is not set is told with the near name, and how to set it', () => {
  const text = minimal.replace('name: staging', () => `name: "\${STAGING_KEY}"`);
  const variables = { STAGINGKEY: 'x', KEY: 'y', HOME: '/root' };
  expect(problems(text, variables)[1]).toMatch(/the variable STAGING_KEY is not set; did you mean STAGINGKEY\?$/);
  expect(() => loadConfig(text, { variables })).toThrow(
    expect.objectContaining({ hint: 'To set it: export STAGING_KEY=…' }),
  );
});

test('programs get every problem by its line and path', () => {
  const text = `${minimal}datbase: {}\n`;
  const problem = { line: 8, path: 'datbase', message: 'unknown key; did you mean database?' };
  expect(() => loadConfig(text)).toThrow(expect.objectContaining({ problems: [problem] }));
});

test('a bucket without a partner is refused, at either end', () => {
  const told = problems({
    version: 1,
    source: { name: 'production', aws: { profile: 'p' }, buckets: { images: 'a' } },
    target: { name: 'staging', aws: { profile: 's' }, buckets: { image: 'c' } },
  });
  expect(told).toEqual([
    'restage.yaml has 2 problems:',
    'source.buckets.images: has no partner in target.buckets',
    'target.buckets.image: has no partner in source.buckets',
  ]);
});

test('a bucket that is called like a method of every object has no partner by that', () => {
  const text = minimal.replace(
    'name: production',
    'name: production\n  aws: { profile: p }\n  buckets: { toString: a }',
  );
  expect(problems(text)[1]).toMatch(/source\.buckets\.toString: has no partner in target\.buckets$/);
});

test('a secret or a bucket needs an account to be found in', () => {
  const text = minimal.replace('{ url: "postgres://restage@db.example.com/shop" }', '{ secret: db }');
  expect(problems(text)[1]).toMatch(/source\.aws: is needed for a bucket, a secret/);
});

const pair = {
  version: 1,
  source: { name: 'production', aws: { profile: 'p' }, buckets: { images: 'a' } },
  target: { name: 'staging', aws: { profile: 's' }, buckets: { images: 'b' } },
};

test.each(['s3://a', 's3://a/b', 'a/b'])('%s is no name of a bucket', (images) => {
  expect(problems({ ...pair, source: { ...pair.source, buckets: { images } } })[1]).toBe(
    "source.buckets.images: a bucket's name, without s3:// and without a path",
  );
});

test('an empty source is refused unless the config says that it may be', () => {
  const of = (images: object) => loadConfig({ ...pair, objects: { images } }).objects['images']?.mayBeEmpty;
  expect([of({}), of({ mayBeEmpty: true })]).toEqual([false, true]);
  expect(problems({ ...pair, objects: { images: { mayBeEmpty: 'yes' } } })[1]).toBe(
    'objects.images.mayBeEmpty: true or false',
  );
});

test.each([
  ['delete: true', { delete: true }, 'delete: a map; {} for at most 1,000 objects and 10 %'],
  ['a misspelt key of delete', { delete: { maxcount: 1 } }, 'delete.maxcount: unknown key; did you mean maxCount?'],
  [
    'an empty beginning',
    { renames: { '': 'all/', 'b/': 'c/' } },
    'renames.: is empty: every key begins so; name what those to rename begin with',
  ],
  [
    'a slash at the end of the old beginning only',
    { renames: { 'books/': 'catalog' } },
    'renames.books/: both end with /, or neither: catalog would make books/a into cataloga',
  ],
  [
    'a slash at the end of the new beginning only',
    { renames: { books: 'catalog/' } },
    'renames.books: both end with /, or neither: catalog/ would make booksa into catalog/a',
  ],
])('%s is refused with a sentence of its own', (_what, images, message) => {
  expect(problems({ ...pair, objects: { images } })).toEqual([
    'restage.yaml has a problem:',
    `objects.images.${message}`,
  ]);
});

test('a prefix may be taken away whole', () => {
  expect(problems({ ...pair, objects: { images: { renames: { 'books/': '' } } } })).toEqual([]);
});

test('two pairs that go to one bucket may not delete there what the other brings', () => {
  const twins = structuredClone(pair) as { source: { buckets: object }; target: { buckets: object } };
  const [from = ''] = Object.values(twins.source.buckets) as string[];
  const [to = ''] = Object.values(twins.target.buckets) as string[];
  Object.assign(twins.source.buckets, { docs: `${from}-docs` });
  Object.assign(twins.target.buckets, { docs: to });
  expect(problems({ ...twins, objects: { images: {} } })).toEqual([]);
  expect(problems({ ...twins, objects: { images: { delete: {} } } })).toEqual([
    'restage.yaml has a problem:',
    `objects.images.delete: would delete what docs brings: both go to ${to}`,
  ]);
});

const ruled = (users: unknown) => ({
  version: 1,
  source: { name: 'production', database: { url: 'postgres://u@a/d' } },
  target: { name: 'staging', database: { url: 'postgres://u@b/d' } },
  database: { masks: { key: 'a secret of many characters' }, tables: { users } },
});
const words = 'copy, empty, skip, keep, merge, or a map of settings';

test.each([
  ['kep', `: ${words}; did you mean keep?`],
  [null, `: ${words}`],
  [{ rows: 'kep' }, '.rows: copy, empty, skip, keep or merge; did you mean keep?'],
  [{ row: 'keep' }, '.row: unknown key; did you mean rows?'],
  [{ mask: { a: 'emal' } }, '.mask.a: there is no mask emal; did you mean email?'],
  [{ mask: { a: 'FirstName' } }, '.mask.a: there is no mask FirstName; did you mean firstName?'],
  [
    { mask: { a: null } },
    '.mask.a: a mask expected, nothing found; where null is to stand instead of a value, it is "null"',
  ],
  [{ mask: { a: 'date' } }, '.mask.a: date is a mask with settings: { date: { shiftDays: 30 } }'],
  [{ mask: { a: { email: {} } } }, '.mask.a: email is a mask without settings: the word alone'],
  [{ mask: { a: { dat: {} } } }, '.mask.a: there is no mask dat; did you mean date?'],
  [
    { mask: { a: { date: { shiftDays: 1, by: 'b', days: 2 } } } },
    '.mask.a.date.days: unknown key; known here: shiftDays, by',
  ],
  [{ mask: { a: { date: { shiftDays: 0.5 } } } }, '.mask.a.date.shiftDays: a whole number of days, 1 or more'],
  [{ mask: { a: { sql: 'x', constant: 1 } } }, '.mask.a: one mask expected, sql and constant found'],
  [
    { mask: { a: { json: { 'b.c': { json: { d: 'ipp' } } } } } },
    '.mask.a.json.b.c.json.d: there is no mask ipp; did you mean ip?',
  ],
  [{ mask: { a: 'email' }, set: { a: '1' } }, '.set: a has a mask too'],
  [{ keep: { where: 'x' }, rows: 'keep' }, ".keep: says that staging's rows stay beside production's; rows is keep"],
  [{ rows: 'empty', mask: { a: 'email' } }, ".mask: is about production's rows, and rows: empty has none of them"],
  [
    { onCollision: 'source' },
    '.onCollision: is read only where rows of both meet: with rows: merge, or keep with where',
  ],
  [{ carry: { match: [], columns: ['a'] } }, '.carry.match: at least one column'],
  [{ carry: { match: 'b', columns: ['a'], default: { c: '1' } } }, '.carry: default: c is not among columns'],
])('a rule that says %j is refused, with what may have been meant', (rule, message) => {
  expect(problems(ruled(rule))).toEqual(['restage.yaml has a problem:', `database.tables.users${message}`]);
});

test('a mask that chooses by the key needs one, and others do not', () => {
  const { database, ...ends } = ruled({ mask: { a: 'email', b: 'null', c: 'redact', d: { json: { e: 'ip' } } } });
  expect(problems({ ...ends, database: { tables: database.tables } }).slice(1)).toEqual(
    ['a', 'd'].map(
      (column) =>
        `database.tables.users.mask.${column}: needs database.masks.key, a secret that decides what stands for a value`,
    ),
  );
  expect(problems({ ...ends, database: { ...database, masks: { key: 'too short' } } }).at(-1)).toBe(
    'database.masks.key: a secret of 16 characters or more; openssl rand -hex 32 makes one',
  );
});

test('a key for the masks is shown nowhere', () => {
  const key = 'q7-nobody-may-see-this';
  expect(loadConfig(ruled({ mask: { a: 'email' } })).database.masks.key).toBe('a secret of many characters');
  loadConfig({ ...ruled('copy'), database: { masks: { key } } });
  expect(new RestageError('internal', `it is ${key}.`).message).not.toContain(key);
});

const referring = (images: object, database = true) => ({
  ...pair,
  source: { ...pair.source, ...(database ? { database: { url: 'postgres://u@a/d' } } : {}) },
  target: { ...pair.target, ...(database ? { database: { url: 'postgres://u@b/d' } } : {}) },
  objects: { images },
});

test.each([
  [{ only: 'referenced' }, 'only: needs referencedBy: the columns whose values are keys of this bucket'],
  [{ only: 'reference', referencedBy: ['a.b'] }, 'only: referenced; did you mean referenced?'],
  [{ only: 'referenced', referencedBy: ['a'] }, 'referencedBy.0: a column, as table.column or schema.table.column'],
  [{ referencedBy: ['a.b'] }, 'referencedBy: is read only with only: referenced'],
  [
    { only: 'referenced', referencedBy: ['a.b'], delete: {} },
    'delete: finds nothing beside only: referenced: what rows name is not deleted, and what they do not name is left alone',
  ],
])('objects that are limited by %j are refused', (images, message) => {
  expect(problems(referring(images))).toEqual(['restage.yaml has a problem:', `objects.images.${message}`]);
});

test('objects that rows decide on need a database', () => {
  const images = { only: 'referenced', referencedBy: ['a.b', 's.a.b'] };
  expect(problems(referring(images))).toEqual([]);
  expect(problems(referring(images, false))[1]).toBe('objects.images.only: needs a database');
});

test.each([
  ['/version', { path: '/version', version: 'version', environment: 'environment', sha: 'git_sha' }],
  ['{ path: /about, sha: build.commit }', { path: '/about', version: 'version', sha: 'build.commit' }],
  ['{ version: "info[0].v" }', { path: '/health/version', version: 'info[0].v' }],
  ['false', undefined],
])('an application tells its version at %s', (version, place) => {
  const text = `${minimal}  app: { url: "https://staging.example.com", version: ${version} }\n`;
  const { app } = loadConfig(text).target;
  if (place) expect(app?.version).toMatchObject(place);
  else expect([app?.url, app?.version]).toEqual(['https://staging.example.com', undefined]);
});

test.each([
  ['version: true', /target\.app\.version: a path that begins with \/, false, or a map of path and fields$/],
  ['version: version', /target\.app\.version: a path that begins with \/$/],
  ['version: { verson: tag }', /target\.app\.version\.verson: unknown key; did you mean version\?$/],
  ['version: false, environment: staging', /target\.app\.environment: is not read beside version: false/],
])('an application with %s is refused', (setting, message) => {
  const text = `${minimal}  app: { url: "https://staging.example.com", ${setting} }\n`;
  expect(problems(text)[1]).toMatch(message);
});

test('versions can be compared only where both applications tell them', () => {
  const both = minimal
    .replace('name: production', 'name: production\n  app: { url: "https://example.com" }')
    .replace('name: staging', 'name: staging\n  app: { url: "https://staging.example.com" }');
  const same = (text: string) => problems(`${text}verify: { versions: same }\n`).slice(1);
  expect(same(both)).toEqual([]);
  expect(same(minimal).at(-1)).toMatch(/verify\.versions: is same, and there is no target\.app: nothing could/);
  expect(same(both.replace('example.com"', 'example.com", version: false'))).toEqual([
    expect.stringMatching(/verify\.versions: is same, and source\.app\.version is false: nothing could be compared$/),
  ]);
});
