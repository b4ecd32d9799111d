import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openAccount, type Account, type AccountSettings } from '../src/aws/account.ts';
import { listProfiles } from '../src/aws/profiles.ts';
import { traceOf, type ErrorCode } from '../src/index.ts';
import { findFreePort } from '../demo/free-port.ts';
import { folder, local, production, staging, useLocalAws } from './local-aws-fixture.ts';
import { keysOf, writeProfiles, type ProfileSettings } from './profiles.ts';

useLocalAws();
const role = `arn:aws:iam::${production.id}:role/restage/reader`;
const stagingUser = `arn:aws:iam::${staging.id}:user/${staging.user}`;

beforeEach(async () => {
  await local.putRole({ account: production.id, name: 'restage/reader', trusts: [stagingUser], externalId: 'e-42' });
});

/** Opens an account with these profiles and nothing else. */
async function open(
  profiles: ProfileSettings,
  settings: AccountSettings,
  sections: ProfileSettings = {},
): Promise<Account> {
  const files = await writeProfiles(folder, profiles, sections);
  return openAccount({ region: 'us-west-2', endpoints: local.endpoints, ...settings }, files);
}

/** What opening fails of: code, message and hint. */
async function refusal(
  profiles: ProfileSettings,
  settings: AccountSettings,
  sections: ProfileSettings = {},
): Promise<{ readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined }> {
  const error: unknown = await open(profiles, settings, sections).then(
    () => new Error('it was opened'),
    (thrown: unknown) => thrown,
  );
  const { code, message, hint } = error as { code: ErrorCode; message: string; hint: string | undefined }; // looked at below
  return { code, message, hint };
}

const own = { staging: keysOf(staging), production: keysOf(production) };

describe('a profile', () => {
  test('with keys of its own leads to its account', async () => {
    const account = await open(own, { profile: 'staging', account: staging.id });
    expect(account).toMatchObject({ id: staging.id, arn: stagingUser, name: 'the profile staging' });
  });

  test('that takes on a role by another profile leads to the role, with its external id', async () => {
    const profiles = {
      ...own,
      reader: { role_arn: role, source_profile: 'staging', external_id: 'e-42', region: 'us-west-2' },
    };
    const account = await open(profiles, { profile: 'reader', region: undefined, account: production.id });
    expect(account).toMatchObject({
      id: production.id,
      arn: `arn:aws:sts::${production.id}:assumed-role/reader/restage`,
      region: 'us-west-2',
    });
    expect((await account.keys()).expiration?.getTime()).toBeGreaterThan(Date.now());
  });

  test('that takes on a role by a role by a profile leads there', async () => {
    const second = `arn:aws:iam::${staging.id}:role/last`;
    await local.putRole({ account: staging.id, name: 'last', trusts: [role] });
    const profiles = {
      ...own,
      reader: { role_arn: role, source_profile: 'staging', external_id: 'e-42' },
      last: { role_arn: second, source_profile: 'reader', role_session_name: 'of-the-profile' },
    };
    const { arn } = await open(profiles, { profile: 'last' });
    expect(arn).toBe(`arn:aws:sts::${staging.id}:assumed-role/last/of-the-profile`);
  });

  test('whose keys a program gives has those', async () => {
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = production;
    const file = join(folder, 'keys.json');
    await writeFile(file, JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey }));
    const account = await open({ made: { credential_process: `cat ${file}` } }, { profile: 'made' });
    expect(account.id).toBe(production.id);
  });

  test('whose program fails is told in the program’s own words, and not with its arguments', async () => {
    const command = `sh -c "echo no vault today >&2; exit 3" --token hvs.clownfish`;
    const error: unknown = await open({ made: { credential_process: command } }, { profile: 'made' }).catch(
      (refused: unknown) => refused,
    );
    expect(error).toMatchObject({
      code: 'credentials-failed',
      message: 'the credential_process of the profile made gives no keys: no vault today',
      hint: expect.stringContaining('aws configure get credential_process --profile made'),
    });
    expect(traceOf(error)).not.toContain('clownfish');
  });

  test('that wants a second factor says how to come by keys without', async () => {
    const profiles = {
      ...own,
      another: { role_arn: role, source_profile: 'staging', mfa_serial: 'arn:aws:iam::2:mfa/me' },
      guarded: { role_arn: role, source_profile: 'staging', mfa_serial: 'arn:aws:iam::1:mfa/me' },
    };
    expect(await refusal(profiles, { profile: 'guarded' })).toMatchObject({
      code: 'credentials-failed',
      message: expect.stringContaining('the profile guarded wants a code of a second factor'),
      hint: expect.stringContaining('get-session-token --profile staging --serial-number arn:aws:iam::1:mfa/me '),
    });
  });

  test('whose source profile does not exist names both, and the near one', async () => {
    const profiles = { ...own, reader: { role_arn: role, source_profile: 'stagin' } };
    expect(await refusal(profiles, { profile: 'reader' })).toMatchObject({
      code: 'profile-missing',
      message: 'there is no AWS profile stagin, from which the profile reader takes its keys (source_profile)',
      hint: expect.stringContaining('Did you mean staging?'),
    });
  });

  test('without keys says so', async () => {
    expect(await refusal({ bare: { region: 'us-west-2' } }, { profile: 'bare' })).toMatchObject({
      code: 'credentials-failed',
      message: 'the profile bare holds no keys',
      hint: expect.stringContaining('aws configure --profile bare'),
    });
  });

  test('without a region says where it belongs', async () => {
    expect(await refusal(own, { profile: 'staging', region: undefined })).toMatchObject({
      code: 'config-invalid',
      message: 'no region is known for the profile staging',
      hint: 'Add region beside profile in restage.yaml.',
    });
  });

  test('of another account is refused with what it is', async () => {
    expect(await refusal(own, { profile: 'production', account: staging.id })).toMatchObject({
      code: 'account-mismatch',
      message: `account ${production.id} is reached with the profile production, not ${staging.id} as the config says`,
      hint: expect.stringContaining(`user/${production.user}`),
    });
  });

  test('that is listed is told with its region, account and kind', async () => {
    const files = await writeProfiles(
      folder,
      {
        ...own,
        'sso.team': { sso_session: 'team', sso_account_id: staging.id, sso_role_name: 'dev' },
        reader: { role_arn: role, source_profile: 'staging', region: 'eu-west-1' },
      },
      { 'sso-session team': { sso_region: 'eu-west-1', sso_start_url: 'https://team.awsapps.com/start' } },
    );
    expect(await listProfiles(files)).toEqual([
      { name: 'production', region: undefined, isSso: false, account: undefined, role: undefined },
      { name: 'reader', region: 'eu-west-1', isSso: false, account: production.id, role },
      { name: 'sso.team', region: undefined, isSso: true, account: staging.id, role: undefined },
      { name: 'staging', region: undefined, isSso: false, account: undefined, role: undefined },
    ]);
  });
});

describe('a role that the config names', () => {
  const assume = (externalId?: string, name = role) => ({
    profile: 'staging',
    assumeRole: { role: name, ...(externalId === undefined ? {} : { externalId }) },
  });

  test('is taken on with its external id', async () => {
    const account = await open(own, assume('e-42'));
    expect(account).toMatchObject({
      id: production.id,
      name: `the role ${role} taken on by the profile staging`,
      arn: `arn:aws:sts::${production.id}:assumed-role/reader/restage`,
    });
  });

  test.each([
    ['a wrong external id', 'e-43', 'an external id was sent', 'that must be the external id sent'],
    ['no external id', undefined, 'no external id was sent', 'aws.assumeRole.externalId'],
  ])('is refused for %s, with what its trust policy must hold', async (_name, externalId, sent, advice) => {
    const { code, message, hint } = await refusal(own, assume(externalId));
    expect(code).toBe('credentials-failed');
    expect(message).toContain(`the profile staging (${stagingUser}) may not take on the role ${role}, ${sent}:`);
    expect(message).toContain('is not authorized to perform: sts:AssumeRole');
    expect(hint).toContain(`"Action": "sts:AssumeRole", "Principal": {"AWS": "${stagingUser}"}`);
    expect(hint).toContain(advice);
    expect(message + hint).not.toContain('e-43');
  });

  test('is taken on again once its keys have expired', async () => {
    const account = await open(own, assume('e-42'));
    const first = await account.keys();
    const second = await account.keys(first);
    expect(second.accessKeyId).not.toBe(first.accessKeyId);
    expect(await account.keys(first)).toBe(second);
  });

  test('is taken on with the new keys of a profile whose old ones have expired', async () => {
    const files = await writeProfiles(folder, own);
    const account = await openAccount({ region: 'us-west-2', endpoints: local.endpoints, ...assume('e-42') }, files);
    const renewed = { accessKeyId: 'AKIARENEWED', secretAccessKey: 'r' };
    try {
      await local.replaceKeys(staging.id, renewed);
      const reader = { role_arn: role, source_profile: 'staging', external_id: 'e-42' };
      expect(await refusal({ ...own, reader }, { profile: 'reader' })).toMatchObject({
        message: expect.stringContaining('the keys of the profile reader have expired'),
        hint: 'The profile staging holds temporary keys: put new ones there.',
      });
      const refused = await account.keys();
      await expect(account.keys(refused)).rejects.toMatchObject({
        code: 'credentials-failed',
        message: expect.stringContaining('the keys of the profile staging have expired'),
        hint: 'The profile staging holds temporary keys: put new ones there.',
      });
      const text = Object.entries(keysOf(renewed)).map(([key, value]) => `${key} = ${value}\n`);
      await writeFile(files.credentials, `[staging]\n${text.join('')}`);
      expect((await account.keys()).accessKeyId).not.toBe(refused.accessKeyId);
    } finally {
      await local.replaceKeys(staging.id, staging);
    }
  });

  test('needs an STS where the store is no AWS', async () => {
    expect(await refusal(own, { ...assume(), endpoints: { s3: local.endpoint } })).toMatchObject({
      code: 'config-invalid',
      hint: expect.stringContaining('aws.endpoints.sts'),
    });
  });
});

describe('keys that are not accepted', () => {
  const strike = (code: string, message: string) =>
    local.inject({ match: { operation: 'GetCallerIdentity' }, kind: 'error', status: 403, code, message });
  const key = 'AKIASTAGING';

  test('are told apart: expired, unknown, not matching, at a wrong time', async () => {
    const tellings = [
      ['ExpiredToken', 'The security token included in the request is expired', 'have expired', 'put new ones there'],
      [
        'InvalidClientTokenId',
        'The security token is invalid.',
        `(${key}) were not accepted`,
        'deleted or switched off',
      ],
      ['SignatureDoesNotMatch', 'It does not match.', `(${key}) were not accepted`, 'copy both once more'],
      ['SignatureDoesNotMatch', 'Signature not yet current: 2026 is later than 2025', `(${key})`, 'clock is wrong'],
    ] as const;
    for (const [code, words, message, hint] of tellings) {
      await strike(code, words);
      const refused = await refusal(own, { profile: 'staging' });
      expect(refused).toMatchObject({
        code: 'credentials-failed',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      });
      expect(refused.message).toContain(words);
      await local.clearFaults();
    }
  });

  test('for a clock that is 20 minutes off are signed by AWS’s clock', async () => {
    await local.setClock(20 * 60_000);
    try {
      expect((await open(own, { profile: 'staging' })).id).toBe(staging.id);
    } finally {
      await local.setClock(0);
    }
  });
});

describe('an STS that is not there', () => {
  test.each(['profile', 'role'])('is named, and no keys are blamed: by a %s', async (kind) => {
    const sts = `http://127.0.0.1:${await findFreePort('127.0.0.1')}`;
    const more = kind === 'role' ? { assumeRole: { role } } : {};
    expect(await refusal(own, { profile: 'staging', endpoints: { sts }, ...more })).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(new RegExp(`^cannot reach ${sts}: .*ECONNREFUSED`)),
      hint: expect.stringContaining('aws.endpoints.sts'),
    });
  });

  test('under a name that nobody knows is told so', async () => {
    const sts = 'http://sts.restage.invalid';
    expect(await refusal(own, { profile: 'staging', endpoints: { sts } })).toMatchObject({
      code: 'aws-unreachable',
      message: expect.stringMatching(/^cannot reach http:\/\/sts\.restage\.invalid: .*(ENOTFOUND|EAI_AGAIN)/),
    });
  });

  test('because something else listens there is told so', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end('<html><body>nothing</body>'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const sts = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    try {
      expect(await refusal(own, { profile: 'staging', endpoints: { sts } })).toMatchObject({
        code: 'aws-unreachable',
        message: `${sts} answered HTTP 404, and not as AWS does`,
        hint: 'Check aws.endpoints.sts.',
      });
    } finally {
      server.close();
    }
  });
});

describe('an SSO session', () => {
  const session = { 'sso-session team': { sso_region: 'eu-west-1', sso_start_url: 'https://team.awsapps.com/start' } };
  const profiles = { dev: { sso_session: 'team', sso_account_id: staging.id, sso_role_name: 'dev' } };

  async function opened(expiresAt: string) {
    const home = join(folder, `home-${expiresAt}`);
    const cache = join(home, '.aws', 'sso', 'cache');
    await mkdir(cache, { recursive: true });
    const file = `${createHash('sha1').update('team').digest('hex')}.json`;
    await writeFile(join(cache, file), JSON.stringify({ accessToken: 'a-token', expiresAt, region: 'eu-west-1' }));
    const files = await writeProfiles(folder, profiles, session);
    vi.stubEnv('HOME', home);
    vi.stubEnv('AWS_CONFIG_FILE', files.config); // the SDK's SSO provider reads no other
    try {
      return await openAccount({ profile: 'dev', region: 'us-west-2' }, files).catch((error: unknown) => error);
    } finally {
      vi.unstubAllEnvs();
    }
  }

  test('that has expired is told with the command that opens it again', async () => {
    expect(await opened('2025-12-22T00:00:00Z')).toMatchObject({
      code: 'credentials-failed',
      message: expect.stringMatching(/^the SSO session of the profile dev has expired, or was never opened: /),
      hint: 'Log in again: aws sso login --profile dev',
    });
  });
});
