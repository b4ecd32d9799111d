import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startLocalAws } from '../demo/local-aws/local-aws.ts';

// The same probe that Ceph's gateway is measured by; it stands outside of the project.
const probe = fileURLToPath(new URL('../../shared/peers/s3-probe.mjs', import.meta.url));
const production = { id: '111111111111', accessKeyId: 'AKIAPROD', secretAccessKey: 'secret-prod', user: 'prod' };
const staging = { id: '222222222222', accessKeyId: 'AKIASTAGING', secretAccessKey: 'secret-staging', user: 'staging' };

test.skipIf(!existsSync(probe))(
  'the local S3 passes every check of the conformance probe (skipped where the probe is missing)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'restage-probe-'));
    // Inside of the project, so that it finds the AWS SDK.
    const inside = fileURLToPath(new URL('../.tmp', import.meta.url));
    await mkdir(inside, { recursive: true });
    const copy = join(inside, `s3-probe-${process.pid}.mjs`);
    await copyFile(probe, copy);
    try {
      await using aws = await startLocalAws({ folder, accounts: [production, staging] });
      const keys = [production, staging].flatMap(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey]);
      const said = await run(copy, [aws.endpoint, ...keys]);
      expect(said.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
      expect(Number(/^SUMMARY ok=(\d+)/m.exec(said)?.[1])).toBeGreaterThanOrEqual(57 + 2);
    } finally {
      await rm(copy, { force: true });
      await rm(folder, { recursive: true, force: true });
    }
  },
);

function run(file: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, PRIN: `arn:aws:iam::${staging.id}:user/${staging.user}` };
  const child = spawn(process.execPath, [file, ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}
