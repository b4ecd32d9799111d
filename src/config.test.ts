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
  const config = loadConfig(readFileSync(file, 'utf8'), { variables: { STAGING_API_KEY: 'k-1' } });
  expect(config.target.app?.headers).toEqual({ 'X-API-Key': 'k-1' });
  expect(config.source.app?.version).toBe('/health/version');
  expect(config.migrate[0]?.http).toMatchObject({ method: 'POST', timeoutSeconds: 120 });
  expect(config.verify.health?.withinSeconds).toBe(20);
  expect(config.verify.totals[0]?.equals).toBe('source');
});

test('what is left out of a small config has its default', () => {
  expect(loadConfig(minimal)).toMatchObject({
    source: { buckets: {} },
    database: { mode: 'clone', keepPrevious: 1 },
    migrate: [],
    verify: { totals: [] },
    passwords: {},
  });
});

test('every problem is told at once, each with its line', () => {
  const text = `version: 2
source:
  name: ""
  database: { url: "postgres://restage@db.example.com/shop", port: 70000 }
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
    expect.stringMatching(/^restage\.yaml:4 {2}source\.database\.port: /),
    expect.stringMatching(/^restage\.yaml:5 {2}target\.name: is missing; string expected$/),
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
      expect.stringContaining('target.app: is needed for migrate and verify.health'),
    ]),
  );
});

test('an unknown key is told with the line it stands on and the key that was meant', () => {
  const text = `${minimal}datbase:\n  mode: clone\n`;
  expect(problems(text)[1]).toBe('restage.yaml:8  datbase: unknown key; did you mean database?');
});

test('an unknown key that is near to none is told with the keys there are', () => {
  expect(problems(`${minimal}verify: { colour: blue }\n`)[1]).toBe(
    'restage.yaml:8  verify.colour: unknown key; known here: health, totals',
  );
});

test('YAML that cannot be read is told with line and column', () => {
  expect(problems('version: 1\nsource: [\n')[1]).toMatch(/^restage\.yaml:\d+:\d+ {2}\S/);
});

test('an empty file is one problem, and no crash', () => {
  expect(problems('')).toEqual([
    'restage.yaml has a problem:',
    expect.stringMatching(/^restage\.yaml:1 {2}the file: /),
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
  ['{}', /one of secret, url, or host with user and passwordEnv$/],
  ['{ host: h }', /one of secret, url, or host with user and passwordEnv$/],
  ['{ url: "postgres://h/d", user: u }', /it has url and user$/],
  ['{ url: "postgres://h/d", secret: s }', /it has secret and url$/],
  ['{ user: u, host: h, passwordEnv: P }', /target\.database\.database: is needed beside user$/],
])('a database that is %s is refused', (database, message) => {
  const text = minimal.replace('{ url: "postgres://restage@staging.example.com/shop" }', database);
  expect(problems(text).some((line) => message.test(line))).toBe(true);
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
  expect(problems(text)[1]).toMatch(/source\.aws: is needed for a bucket or a secret$/);
});
