import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { configText } from './config-text.ts';
import type { Draft, DraftEnd } from './draft.ts';
import type { ProposedRules } from './propose-rules.ts';

const variables = { STAGING_API_KEY: 'key', SOURCE_DATABASE_PASSWORD: 'p', TARGET_URL: 'postgres://u:p@h/d' };

const account = (profile: string, id: string) => ({ profile, region: 'us-west-2', account: id });
const full: Draft = {
  source: {
    name: 'production',
    aws: account('bmx-prod', '011111111111'),
    database: { secret: 'bluemoxon/db-credentials' },
    buckets: { images: 'bluemoxon-images', docs: 'bluemoxon-docs' },
    app: { url: 'https://api.example.com/api/v1', environment: 'production' },
  },
  target: {
    name: 'staging',
    aws: account('bmx-staging', '222222222222'),
    database: { secret: 'bluemoxon-staging/database' },
    buckets: { images: 'bluemoxon-images-staging', docs: 'bluemoxon-docs-staging' },
    app: { url: 'https://staging.api.example.com/api/v1', environment: 'staging' },
    function: 'bluemoxon-staging-db-sync',
  },
};
const plainEnd = (name: string, more: Partial<DraftEnd>): DraftEnd => ({ name, buckets: {}, ...more });

const drafts: Readonly<Record<string, Draft>> = {
  'two accounts with everything': full,
  'databases by their parts, and no AWS': {
    source: plainEnd('production', {
      database: { host: '::1', port: 5432, database: 'on', user: 'x: #y', passwordEnv: 'SOURCE_DATABASE_PASSWORD' },
    }),
    target: plainEnd('staging', { database: { url: '${TARGET_URL}', tls: 'disable' } }),
  },
  'buckets only, of another store': {
    source: plainEnd('production', {
      aws: { profile: 'ceph', endpoints: { s3: 'http://127.0.0.1:7480', sts: undefined } },
      buckets: { images: 'images' },
    }),
    target: plainEnd('staging', { aws: account('stg', '222222222222'), buckets: { images: 'images-staging' } }),
  },
  'names that YAML would read otherwise': {
    source: plainEnd('yes', {
      aws: { profile: '007', region: 'us-west-2', account: '000000000000' },
      database: { secret: '# no comment: at all' },
      buckets: { '*': '1e3' },
    }),
    target: plainEnd('it\'s "null"\n{x: y}', {
      aws: account('- &a', '222222222222'),
      database: { identifier: 'a\\b', user: ' u ', database: '~', auth: 'iam' },
      buckets: { '*': 'true' },
    }),
  },
};

/** The text with every setting that stands in a comment. */
function withAllSettings(text: string): string {
  return text.replaceAll(/^(\s*)#(?! ?\S)(.*)$/gm, '$1$2').replaceAll(/^(\s*)#(\S)/gm, '$1$2');
}

describe.each(Object.entries(drafts))('%s', (_name, draft) => {
  test('is a configuration that holds what was said', () => {
    const config = loadConfig(configText(draft), { variables });
    for (const side of ['source', 'target'] as const) {
      const { name, aws, buckets, app, database } = draft[side];
      expect(config[side]).toMatchObject(JSON.parse(JSON.stringify({ name, buckets, ...(aws ? { aws } : {}) })));
      if (app) expect(config[side].app).toMatchObject(app);
      if (database) expect(parse(configText(draft))[side].database).toEqual(database);
    }
  });

  test('is one with every setting of its comments too', () => {
    const text = withAllSettings(configText(draft));
    expect(text).not.toMatch(/^\s*#\S/m);
    const config = loadConfig(text, { variables });
    expect(config.guards.maxShrinkPercent).toBe(50);
    expect(config.migrate.steps).toHaveLength(draft.source.database ? 2 : 1);
    if (draft.source.database) expect(config.migrate.versions).toContain('backend/alembic/versions');
    expect(config.verify.totals).toHaveLength(1);
    if (draft.source.aws) expect(config.source.aws?.assumeRole).toBeDefined();
    if (draft.source.database) expect(config.source.database?.via).toBeDefined();
    expect(Object.keys(config.objects)).toEqual(Object.keys(draft.source.buckets));
  });

  test('has no line that a person would have to scroll for', () => {
    const long = configText(draft).split('\n');
    expect(long.filter((line) => line.length > 120)).toEqual([]);
  });
});

const tables: ProposedRules = {
  rules: [
    { table: 'api_keys', rows: 'keep', onOrphan: 'drop', mask: {}, why: {}, reasons: ['logins and keys, by its name'] },
    { table: 'app.tokens', rows: 'keep', mask: {}, why: {}, reasons: [] },
    {
      table: 'users',
      mask: { email: 'email', born: { date: { shiftDays: 90 } }, 'e\nmail: {': 'null' },
      carry: { match: 'email', columns: ['cognito_sub'] },
      reasons: ['cognito_sub: ids at other services'],
      why: {
        email: 'its name says contact data',
        born: 'its name says a birth',
        'e\nmail: {': 'x\n\r\u2028source: {} #',
      },
    },
  ],
  suggestions: [
    { table: 'jobs', setting: 'empty', reason: 'unfinished work, by its name' },
    { table: 'hooks', setting: { set: { enabled: 'false' } }, reason: 'calls to others' },
    { table: 'x\n\r\u2028source: {} #', setting: 'empty', reason: 'what is\rin it\nis not known' },
  ],
  afterLoad: ["update jobs set status = 'cancelled'"],
  left: [],
};
const keyed = { ...variables, RESTAGE_MASK_KEY: 'a secret of many characters' };

test('rules for tables are settings, each with its reason, and the key of the masks is a variable', () => {
  const text = configText({ ...full, tables });
  const { database } = loadConfig(text, { variables: keyed });
  expect(parse(text).database).toEqual({
    keepPrevious: 1,
    unmasked: 'refuse',
    masks: { key: '${RESTAGE_MASK_KEY}' },
    tables: {
      api_keys: { rows: 'keep', onOrphan: 'drop' },
      'app.tokens': 'keep',
      users: {
        mask: { email: 'email', born: { date: { shiftDays: 90 } }, 'e\nmail: {': 'null' },
        carry: { match: 'email', columns: ['cognito_sub'] },
      },
    },
  });
  expect(database.tables['users']?.mask['e\nmail: {']).toBe('null');
  expect(text).toContain('# logins and keys, by its name\n    api_keys:');
  expect(text).toContain('email: email # its name says contact data');
  expect(text).toMatch(/# its name says a birth\n +born: \{ date: \{ shiftDays: 90 \} \}/);
  expect(text).toContain('openssl rand -hex 32');
  expect(text).not.toMatch(/[\r\u2028]/);
});

test('what only a person can decide stands in comments, as settings that could be made', () => {
  const text = withAllSettings(configText({ ...full, tables }));
  const { database } = loadConfig(text, { variables: keyed });
  expect(Object.keys(database.tables)).toEqual(['api_keys', 'app.tokens', 'users', 'jobs', 'hooks']);
  expect(database.tables['hooks']?.set).toEqual({ enabled: 'false' });
  expect(database.afterLoad).toMatchObject([{ sql: "update jobs set status = 'cancelled'" }]);
  const alone = withAllSettings(configText({ ...full, tables: { ...tables, rules: [] } }));
  expect(Object.keys(loadConfig(alone, { variables }).database.tables)).toEqual(['jobs', 'hooks']);
});

test('a column that no mask fits is named, and does not stop the plan', () => {
  const left = [{ column: 'users.face', reason: 'its name says who somebody is' }];
  const text = configText({ ...full, tables: { ...tables, left } });
  expect(parse(text).database.unmasked).toBe('warn');
  expect(text.replaceAll(/\n *#/g, '')).toContain('no mask fits: users.face (its name says who somebody is).');
});

test('where nothing was looked at, nothing is said of tables', () => {
  expect(parse(configText(full)).database).toEqual({ keepPrevious: 1 });
});
