import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, loadConfig, plan, run } from '../src/index.ts';
import { factsOf, stepsOf } from '../src/report/report.ts';
import { type IamScene, startIamScene } from './iam-scene.ts';
import { query } from './sql.ts';

// What a command is given where the target's login is a token of IAM.
let scene: IamScene;
beforeAll(async () => {
  scene = await startIamScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Logs in by PG* and by DATABASE_URL, keeps both for the test, and says what no program should. */
const look = `
const { Client } = require('pg');
const { appendFileSync, readFileSync } = require('node:fs');
const { DATABASE_URL, ...env } = process.env;
const ask = async (settings) => {
  const client = new Client(settings);
  await client.connect();
  const { rows } = await client.query('select current_user as who, current_database() as what');
  await client.end();
  console.log(rows[0].who, rows[0].what);
};
(async () => {
  await ask({ ssl: { ca: readFileSync(env.PGSSLROOTCERT) } });
  await ask({ connectionString: DATABASE_URL });
  const told = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('PG')));
  appendFileSync(env.TOLD, JSON.stringify({ ...told, DATABASE_URL }) + '\\n');
  console.log('password ' + env.PGPASSWORD);
  console.log('url ' + DATABASE_URL);
  await new Promise((done) => setTimeout(done, 1100)); // a token of the same second would be the same
})();`;

test('each command gets a token of its own, as PGPASSWORD and in DATABASE_URL, which no output shows', async () => {
  const { postgres, front } = scene;
  for (const sql of ['create database production', 'create database staging owner ann'])
    await query(postgres.adminUrl(), sql);
  await query(postgres.adminUrl('production'), 'create table books (id integer primary key)');
  const told = join(scene.folder, 'told');
  const command = {
    run: [process.execPath, '-e', look],
    cwd: fileURLToPath(new URL('..', import.meta.url)), // where `pg` is
    env: { TOLD: told },
  };
  const config = loadConfig(
    {
      version: 1,
      source: { name: 'production', database: { url: postgres.adminUrl('production') } },
      target: { name: 'staging', aws: scene.aws, database: scene.login('staging') },
      migrate: [{ command }, { command }],
    },
    { file: join(scene.folder, 'restage.yaml') },
  );
  using ends = await connect(config, { profileFiles: scene.profileFiles });
  const lines: string[] = [];
  const report = await run(await plan(config, ends), ends, {
    environment: { PATH: process.env['PATH'] },
    listen: (event) => lines.push(JSON.stringify(event)),
  });
  expect(report.failure).toBeUndefined();

  const incoming = `staging__incoming_${report.run}`;
  const outputs = stepsOf(report, 'migrate-incoming').map((step) => factsOf(step)?.output);
  const output = [`ann ${incoming}`, `ann ${incoming}`, 'password ***', expect.stringMatching(/^url .*\*\*\*/)];
  expect(outputs).toEqual([output, output]);
  const given = (await readFile(told, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>); // as `look` writes it
  for (const { DATABASE_URL = '', ...env } of given) {
    expect(env).toMatchObject({
      PGHOST: 'localhost',
      PGPORT: String(front.port),
      PGUSER: 'ann',
      PGDATABASE: incoming,
      PGSSLMODE: 'verify-full',
    });
    const token = env['PGPASSWORD'] ?? '';
    const url = new URL(DATABASE_URL);
    expect(token).toMatch(/^localhost:\d+\/\?.*X-Amz-Signature=/);
    expect(decodeURIComponent(url.password)).toBe(token);
    expect(url.password).not.toMatch(/[/?&=:@]/);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      sslmode: 'verify-full',
      sslrootcert: env['PGSSLROOTCERT'],
    });
    expect(front.tokens.filter((one) => one === token).length).toBeGreaterThanOrEqual(2);
    const signature = /X-Amz-Signature=(\w+)/.exec(token)?.[1];
    expect(lines.join('\n') + JSON.stringify(report)).not.toContain(signature);
  }
  const [first, second] = given.map(({ PGPASSWORD }) => PGPASSWORD);
  expect(first).not.toBe(second);
});
