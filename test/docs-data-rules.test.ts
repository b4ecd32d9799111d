import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Report } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { query } from './sql.ts';

/** The examples of docs/data-rules.md, done. */
let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const schema = `
  create table users (id int primary key, email text unique, first_name text, last_name text, phone text, ssn text, city text, cognito_sub text unique not null);
  create table api_keys (id int primary key, user_id int not null references users, key_hash text unique);
  create table orders (id int primary key, created_at timestamptz not null);
  create table order_items (id int primary key, order_id int references orders);
  create table audit_log (id int primary key, note text);
  create table legacy_orders (id int primary key, old int references orders);
  create table feature_flags (name text primary key, is_on boolean not null);
  create table webhooks (id int primary key, enabled boolean not null, secret text);
  create table pages (id int primary key, body jsonb, intro varchar(200));
  create table jobs (id int primary key, status text not null);`;

const production = `${schema}
  insert into users select n, format('ann.example%s@mail.test', n), 'Annabella', 'Realname' || n, '+44 20 7946 000' || n, '123-45-678' || n, 'Leeds', 'prod-' || n from generate_series(1, 4) n;
  insert into orders select n, now() - make_interval(years => n % 3) from generate_series(1, 6) n;
  insert into order_items select n, n from generate_series(1, 6) n;
  insert into api_keys values (1, 1, 'production-key');
  insert into audit_log values (1, 'who did what');
  insert into legacy_orders values (1, 1);
  insert into feature_flags values ('new-cart', false), ('dark', true);
  insert into webhooks values (1, true, 'live-secret');
  insert into pages values (1, '{"src": "https://images.example.com/a.png", "price": 1.10}', 'see https://images.example.com/b.png');
  insert into jobs values (1, 'running'), (2, 'done');`;

const staging = `${schema}
  insert into users values (2, 'ann.example2@mail.test', 'Annabella', 'Realname2', null, null, 'Leeds', 'stage-2'),
                           (900, 'tester@staging.example', 'Test', 'Er', null, null, 'Here', 'stage-900');
  insert into api_keys values (7, 900, 'staging-key');
  insert into feature_flags values ('new-cart', true), ('only-here', true);`;

/** The examples in the page's order, each for these two servers. */
async function examples(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const page = await readFile('docs/data-rules.md', 'utf8');
  return [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => {
    const { source, target, ...rest } = parse(text) as { source: object; target: object };
    return {
      ...rest,
      source: { ...source, database: { url: scene.source.adminUrl('production') } },
      target: { ...target, database: { url: scene.target.adminUrl('staging') } },
    };
  });
}

async function refreshBy(position: number): Promise<Report> {
  await scene.arrange(production, staging);
  const file = join(scene.folder, `example-${position}.yaml`);
  const text = stringify((await examples())[position]).replace('${RESTAGE_MASK_KEY}', 'a key for an example only');
  await writeFile(file, text);
  const { report, code, stderr } = await scene.sync(file);
  expect(code, stderr).toBe(0);
  return report;
}

test('the example of whose rows does what the page says', async () => {
  await refreshBy(0);
  expect(await scene.onTarget('select count(*) as rows from audit_log')).toEqual([{ rows: '0' }]);
  expect(await scene.onTarget(`select to_regclass('legacy_orders') as it`)).toEqual([{ it: null }]);
  expect(await scene.onTarget('select id, user_id, key_hash from api_keys')).toEqual([
    { id: 7, user_id: 900, key_hash: 'staging-key' },
  ]);
  expect(await scene.onTarget('select id from orders order by 1')).toEqual([{ id: 3 }, { id: 6 }]);
  expect(await scene.onTarget('select id from order_items order by 1')).toEqual([{ id: 3 }, { id: 6 }]);
  expect(await scene.onTarget('select id, cognito_sub from users where id > 3 order by 1')).toEqual([
    { id: 4, cognito_sub: 'prod-4' },
    { id: 900, cognito_sub: 'stage-900' },
  ]);
  expect(await scene.onTarget('select * from feature_flags order by 1')).toEqual([
    { name: 'dark', is_on: true },
    { name: 'new-cart', is_on: true },
    { name: 'only-here', is_on: true },
  ]);
});

test('the example of what stands in a column does what the page says', async () => {
  await refreshBy(1);
  const users = await scene.onTarget('select * from users order by id');
  expect(users.map(({ cognito_sub: subject }) => subject)).toEqual(['prod-1', 'stage-2', 'prod-3', 'prod-4']);
  for (const { email, first_name: first, last_name: last, phone, ssn, city } of users) {
    expect(email).toMatch(/^[0-9a-f]{20}@example\.com$/);
    expect(phone).toMatch(/^\+999\d{12}$/);
    expect([first, last].join(' ')).not.toMatch(/Annabella|Realname/);
    expect({ ssn, city }).toEqual({ ssn: null, city: 'Leeds' });
  }
  expect(await scene.onTarget('select enabled, secret from webhooks')).toEqual([
    { enabled: false, secret: 'not-a-secret' },
  ]);
  expect(await scene.onTarget(`select body->>'src' as src, body->>'price' as price, intro from pages`)).toEqual([
    {
      src: 'https://images.staging.example.com/a.png',
      price: '1.10',
      intro: 'see https://images.staging.example.com/b.png',
    },
  ]);
  expect(await scene.onTarget('select status from jobs order by id')).toEqual([
    { status: 'cancelled' },
    { status: 'done' },
  ]);
  expect(await query(scene.source.adminUrl('production'), 'select status from jobs where id = 1')).toEqual([
    { status: 'running' },
  ]);
});
