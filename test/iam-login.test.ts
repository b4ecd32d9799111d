import { join } from 'node:path';
import { Signer } from '@aws-sdk/rds-signer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { connect } from '../src/connect.ts';
import { openSession, type Session } from '../src/postgres/session.ts';
import { type IamScene, startIamScene } from './iam-scene.ts';

let scene: IamScene;
let signed = 0;

beforeAll(async () => {
  scene = await startIamScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

function open(user: string, other: Partial<ConstructorParameters<typeof Signer>[0]> = {}): Promise<Session> {
  const { authority, keys, region } = scene;
  const { port } = scene.front;
  const signer = new Signer({ hostname: 'localhost', port, username: user, region, credentials: keys, ...other });
  return openSession(
    {
      host: 'localhost',
      port,
      database: 'postgres',
      user,
      password: () => {
        signed += 1;
        return signer.getAuthToken();
      },
      tls: 'verify-full',
      ca: authority.certificate,
    },
    { access: 'read-only', label: 'iam' },
  );
}

test('a token takes the place of the password, and each connection brings its own', async () => {
  for (const wanted of [1, 2]) {
    await using session = await open('ann');
    expect(await session.rows('select current_user as who')).toEqual([{ who: 'ann' }]);
    expect(scene.front.tokens).toHaveLength(wanted);
    expect(signed).toBe(wanted);
  }
});

test('auth: iam brings a token of the profile, a new one to each connection', async () => {
  const other = { url: `postgres://ann@127.0.0.1:${scene.postgres.port}/postgres` };
  const config = loadConfig(
    {
      version: 1,
      source: { name: 'production', aws: scene.aws, database: scene.login('postgres') },
      target: { name: 'staging', database: other },
    },
    { file: join(scene.folder, 'restage.yaml') },
  );
  using ends = await connect(config, { profileFiles: scene.profileFiles });
  const before = scene.front.tokens.length;
  await using moment = await ends.source.database?.snapshot({ label: 'iam' });
  await using reader = await moment?.reader();
  expect(await reader?.rows('select current_user as who')).toEqual([{ who: 'ann' }]);
  expect(scene.front.tokens).toHaveLength(before + 2);
});

test.each([
  ['another user', { username: 'bob' }],
  ['another host', { hostname: 'db.example' }],
  ['another region', { region: 'eu-west-1' }],
  [
    'keys that are not known',
    { credentials: { accessKeyId: 'AKIAPRODUCTION', secretAccessKey: 'another secret key' } },
  ],
])('a token for %s is refused, is not shown, and the role that RDS wants is named', async (_, other) => {
  const failure: unknown = await open('ann', other).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'database-login',
    message: expect.stringMatching(
      /^login refused for postgres at localhost:\d+ as ann: PAM authentication failed for user "ann"$/,
    ),
    hint: expect.stringMatching(/grant rds_iam to "ann".*rds-db:connect/),
  });
  expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain(
    /X-Amz-Signature=(\w+)/.exec(scene.front.tokens.at(-1) ?? '')?.[1],
  );
});
