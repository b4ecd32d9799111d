import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { completeDraft } from './complete.ts';

test.each([
  ['an identifier', { identifier: 'shop', user: 'app', database: 'shop', passwordEnv: 'PASSWORD' }],
  ['a token of IAM', { host: 'h', user: 'app', database: 'shop', auth: 'iam' as const }],
  ['a secret', { secret: 'shop/login' }],
])(
  'where the account cannot be opened, the tables behind %s are not looked at, and that is told',
  async (_, database) => {
    const folder = await mkdtemp(join(tmpdir(), 'restage-complete-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const credentials = join(folder, 'credentials');
    await writeFile(credentials, '[prod]\ncredential_process = false\n[staging]\ncredential_process = false\n');
    const end = (name: string, profile: string) => ({
      name,
      aws: { profile, region: 'us-west-2' },
      database,
      buckets: {},
    });
    const { draft, notes } = await completeDraft(
      { source: end('production', 'prod'), target: end('staging', 'staging') },
      { profileFiles: { credentials, config: join(folder, 'config') }, variables: { PASSWORD: 'a-long-password' } },
    );
    expect(draft.source.aws).toEqual({ profile: 'prod', region: 'us-west-2', account: undefined });
    expect(notes.toSorted()).toEqual([
      'the account of production is not in the file: the credential_process of the profile prod gives no keys, and does not say why',
      expect.stringContaining('the account of staging is not in the file: '),
      'the tables of production were not looked at: the way to them leads through the account',
    ]);
  },
);
