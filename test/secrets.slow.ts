import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployApp, production, staging } from '../demo/sample.ts';
import type { App } from '../examples/bluemoxon/app.ts';
import { obstacles } from './obstacles.ts';
import { openNetwork, type Network } from './network.ts';
import { type Running, type Scene, startScene } from './scene.ts';
import { openSession, query, type Session } from './sql.ts';

// Everything that restage says or leaves anywhere, at the most talkative, is searched for everything that is secret.

/** Of every kind of character that somebody has to escape. */
const passwords = { source: `p@ss w%rd/'"\\$&{}:1`, target: `t:rg€t #?"=';--\\n2` } as const;
const sessionTokens = { source: 'a-session/token+of=production==', target: 'a-session/token+of=staging==' } as const;
const wrong = 'entirely wr%ng & secret';
const urlPassword = 'in-the-url-p@ssword';
const inARow = 'jane.roe@example.org';

let scene: Scene;
let way: Network;
const apps: { source?: App; target?: App } = {};
const sent: string[] = [];
let forms: readonly string[];
/** What was seen, by where. */
const seen = new Map<string, string>();

const note = (where: string, text: string) => void seen.set(where, (seen.get(where) ?? '') + text);

beforeAll(async () => {
  scene = await startScene();
  const { environment } = scene;
  const { aws, variables } = environment;
  way = await openNetwork(Number(new URL(aws.endpoint).port), (bytes) => sent.push(bytes.toString('latin1')));
  const keys = { source: await rekey('source', '111111111111'), target: await rekey('target', '222222222222') };
  const profile = (name: string, { accessKeyId, secretAccessKey, sessionToken }: typeof keys.source) =>
    `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\naws_session_token = ${sessionToken}\n`;
  await writeFile(
    variables['AWS_SHARED_CREDENTIALS_FILE'] ?? '',
    profile('bmx-prod', keys.source) + profile('bmx-staging', keys.target),
  );
  for (const side of ['source', 'target'] as const) {
    const { postgres, database } = environment[side];
    const user = { source: 'bluemoxon', target: 'bluemoxon_staging' }[side];
    const literal = `'${passwords[side].replaceAll("'", "''")}'`;
    // In one statement of the superuser, before anything is logged: what follows is restage's own.
    await query(postgres.adminUrl(), `set standard_conforming_strings = on; alter role ${user} password ${literal}`);
    if (side === 'target')
      await query(postgres.adminUrl(), `create role by_url superuser login password '${urlPassword}'`);
    await using admin = await openSession(postgres.adminUrl());
    for (const [name, value] of Object.entries({
      log_statement: 'all',
      log_min_duration_statement: '0',
      log_connections: 'on',
      log_disconnections: 'on',
      log_parameter_max_length: '-1',
      log_error_verbosity: 'verbose',
      log_line_prefix: '%m [%p] %q%u@%d %a ',
    }))
      await admin.query(`alter system set ${name} = '${value}'`);
    await admin.query(`select pg_reload_conf()`);
    const { host, port } = postgres;
    const secret = { host, port, username: user, password: passwords[side], dbname: database };
    // The application logs in anew, too.
    const url = `postgresql://${user}:${encodeURIComponent(passwords[side])}@${host}:${port}/${database}`;
    apps[side] = await deployApp({ source: production, target: staging }[side], url, variables['STAGING_API_KEY']);
    const name = { source: 'bluemoxon/db-credentials', target: 'bluemoxon-staging/database' }[side];
    const account = { source: '111111111111', target: '222222222222' }[side];
    await aws.putSecret({ name, account, value: JSON.stringify(secret) });
  }
  const secrets = [
    ...Object.values(passwords),
    ...Object.values(sessionTokens),
    ...Object.values(keys).map(({ secretAccessKey }) => secretAccessKey),
    variables['STAGING_API_KEY'] ?? '',
    variables['RESTAGE_MASK_KEY'] ?? '',
    wrong,
    urlPassword,
  ];
  forms = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("'", "''"),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ]);

  async function rekey(side: 'source' | 'target', account: string) {
    const fresh = {
      accessKeyId: `ASIA${side.toUpperCase()}`,
      secretAccessKey: `of-${side}/secret+key/and-long`,
      sessionToken: sessionTokens[side],
    };
    await aws.replaceKeys(account, fresh);
    return fresh;
  }
});
afterAll(async () => {
  for (const app of Object.values(apps)) await app[Symbol.asyncDispose]();
  await way[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

/** As production's owner, whose password is another by now. */
function onProduction(sql: string): Promise<unknown> {
  const { postgres, database } = scene.environment.source;
  return query(postgres.adminUrl(database), `set role bluemoxon; ${sql}`);
}

/** Whether a secret stands in the text, in any form; where. */
function found(text: string): string | undefined {
  const form = forms.find((one) => text.includes(one));
  return form === undefined ? undefined : text.slice(Math.max(0, text.indexOf(form) - 100)).slice(0, 300);
}

/** Watches a command's title and the statements of both servers for as long as it runs; keeps what it printed. */
async function watched(name: string, running: Running): Promise<number | null> {
  const { source, target } = scene.environment;
  await using one = await openSession(source.postgres.adminUrl(), 'a watcher');
  await using other = await openSession(target.postgres.adminUrl(), 'a watcher');
  const state = { over: false };
  const ended = running.ended.finally(() => (state.over = true));
  ended.catch(() => {}); // told below
  const statements = async (session: Session) => {
    const rows = await session.query(
      `select query, application_name from pg_stat_activity where application_name <> 'a watcher'`,
    );
    return JSON.stringify(rows);
  };
  for (; !state.over; await sleep(10)) {
    const proc = `/proc/${running.pid}`;
    for (const file of ['cmdline', 'comm'])
      note(`the title of ${name}`, await readFile(join(proc, file), 'utf8').catch(() => ''));
    note(`pg_stat_activity during ${name}`, (await statements(one)) + (await statements(other)));
  }
  const { code, stdout, stderr } = await ended;
  note(`what ${name} printed`, `${stdout}\n${stderr}`);
  return code;
}

const atTheTap = (config: Parameters<Parameters<Scene['configure']>[0]>[0]) => {
  for (const end of ['source', 'target'] as const) {
    config.setIn([end, 'app', 'url'], apps[end]?.url);
    for (const service of ['s3', 'secretsManager', 'sts'])
      config.setIn([end, 'aws', 'endpoints', service], `http://127.0.0.1:${way.port}`);
  }
};

test('commands that end well, and those that fail, are as talkative as can be', async () => {
  const config = await scene.configure(atTheTap);
  const ended = (name: string, ...args: readonly string[]) =>
    watched(name, scene.begin(...(args.includes('--config') ? args : [...args, '--config', config]), '--debug'));
  /** Runs a command that must end with that code. */
  const run = async (code: number, name: string, ...args: readonly string[]) =>
    expect(await ended(name, ...args), `${name}: ${seen.get(`what ${name} printed`)?.slice(-1000)}`).toBe(code);
  await run(0, 'check', 'check');
  await run(0, 'plan', 'plan', '--out', 'kept-plan.json');
  await run(0, 'sync', 'sync', '--yes');
  await run(0, 'sync --json', 'sync', '--yes', '--json', '--only', 'database');
  await run(0, 'verify', 'verify', '--json');

  const { postgres, database } = scene.environment.target;
  const parts = (change: object) =>
    scene.configure((document) => {
      atTheTap(document);
      document.setIn(['target', 'database'], document.createNode(change));
    });
  const url = (password: string) =>
    `postgres://by_url:${encodeURIComponent(password)}@127.0.0.1:${postgres.port}/${database}`;
  const byUrl = await parts({ url: url(urlPassword) });
  await run(0, 'check by url', 'check', '--config', byUrl);
  const refused = await parts({ url: url(wrong) });
  for (const command of ['check', 'plan', 'sync', 'verify'])
    await run(1, `a refused ${command}`, command, '--config', refused);
  const noUrl = await parts({ url: `postgres://by_url:${wrong}%@127.0.0.1:1/${database}` });
  await run(2, 'a url that is none', 'plan', '--config', noUrl);

  const { aws } = scene.environment;
  for (const [service, operation] of [
    ['sts', 'GetCallerIdentity'],
    ['secretsmanager', 'GetSecretValue'],
    ['s3', 'ListObjectsV2'],
  ] as const) {
    const code = 'AccessDeniedException';
    await aws.inject({ match: { operation }, kind: 'error', status: 403, code, message: `no ${service}` });
    await run(1, `a refusal of ${operation}`, 'plan');
    await aws.clearFaults();
  }
  await onProduction(`create table visitors (id integer, email text,
    constraint of_old_servers check (current_setting('server_version_num')::integer < 170000));
    insert into visitors values (1, '${inARow}')`);
  const allowing = await scene.configure((document) => {
    atTheTap(document);
    document.setIn(['database', 'tables', 'visitors'], document.createNode({ allow: ['email'] }));
  });
  await run(1, 'a failing sync', 'sync', '--yes', '--only', 'database', '--config', allowing);
  await onProduction(`drop table visitors`);
  await onProduction(obstacles.migratedByHand.make);
  await run(1, 'a failing migration', 'sync', '--yes', '--json', '--only', 'database');
});

test('nothing of that has a secret in it: output, files, titles, statements, requests, logs of servers', async () => {
  for (const [file, text] of await scene.runFiles()) seen.set(file, text);
  for (const name of await readdir(scene.folder))
    if (name.startsWith('kept-plan')) seen.set(name, await readFile(join(scene.folder, name), 'utf8'));
  for (const name of ['production', 'staging']) {
    const log = await readFile(join(scene.environment.folder, name, 'log'), 'utf8');
    expect(log.includes('restage plan'), name).toBe(true);
    // What the test itself has done is no part of it.
    const lines = log.split('\n').filter((line) => !/ a test | a watcher /.test(line));
    seen.set(`the log of ${name}`, lines.join('\n'));
  }
  const requests = sent.join('').match(/^(?:GET|HEAD|PUT|POST|DELETE) \S+ HTTP/gm) ?? [];
  expect(requests.length).toBeGreaterThan(900);
  seen.set('the requests to AWS', requests.join('\n'));
  const texts = [...seen].map(([where, text]) => ({ where, text, found: found(text) }));
  expect(texts.filter((one) => one.found !== undefined).map((one) => [one.where, one.found])).toEqual([]);
  // Each of these has been there to be searched.
  for (const where of [
    'plan.json',
    'report.json',
    'report.md',
    'report.html',
    'kept-plan.ndjson',
    'objects.ndjson',
    'the title of sync',
  ])
    expect(
      texts.filter((one) => one.where.includes(where) && one.text.length > 0),
      where,
    ).not.toEqual([]);
  expect(seen.get('pg_stat_activity during sync')).toContain('copy ');
  const refused = seen.get('what a refused plan printed');
  expect(refused).toMatch(/password authentication failed[\s\S]*\n {4}at /);
  expect(refused, 'no property of an error is printed').not.toMatch(/severity|routine/);
});

test('no message of a failed run has the value of a row in it', () => {
  const ours = [...seen].filter(([where]) => !/^(the log|pg_stat_activity)/.test(where));
  expect(ours.filter(([, text]) => text.includes(inARow)).map(([where]) => where)).toEqual([]);
  expect(seen.get('what a failing sync printed')).toContain('of_old_servers');
});
