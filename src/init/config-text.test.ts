import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { findBound, findPersonal } from '../postgres/telling-names.ts';
import { configText } from './config-text.ts';
import type { Draft, DraftEnd } from './draft.ts';

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
    expect(config.migrate).toHaveLength(1);
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

test('tables that look personal or bound to production are named in comments', () => {
  const tables = [
    {
      table: { schema: 'public', name: 'users' },
      columns: ['email', 'cognito_sub'].map((name) => ({ name, type: 'text' })),
    },
    { table: { schema: 'app', name: 'api_keys' }, columns: [{ name: 'key_hash', type: 'text' }] },
  ];
  const text = configText({ ...full, tables: { personal: findPersonal(tables), bound: findBound(tables) } });
  const told = text.replaceAll(/\s*\n\s*#/g, '');
  expect(told).toContain('users (email); app.api_keys (key_hash). They are copied as they are.');
  expect(told).toContain('logins and keys (app.api_keys); ids at other services (users.cognito_sub).');
  expect(configText(full)).not.toContain('copied as they are');
});

test('whatever a table is called, it stays in its comment', () => {
  const table = { schema: 'public', name: 'x\n\r\u2028source: {} #' };
  const told = { personal: [{ table, columns: [{ column: 'e\nmail: {', kind: 'contact' as const }] }], bound: [] };
  const text = configText({ ...full, tables: told });
  expect(text).not.toMatch(/[\r\u2028]/);
  expect(parse(text)).toEqual(parse(configText(full)));
});

test('of many tables the first are named, and how many more there are', () => {
  const personal = Array.from({ length: 50 }, (_, index) => ({
    table: { schema: 'public', name: `t${index}` },
    columns: [{ column: 'email', kind: 'contact' as const }],
  }));
  const told = configText({ ...full, tables: { personal, bound: [] } }).replaceAll(/\s*\n\s*#/g, '');
  expect(told).toContain('t39 (email); and 10 more. They are copied');
  expect(told).not.toContain('t40');
});
