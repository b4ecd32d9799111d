import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder, writeBundle } from './aws-example.ts';

const root = join(import.meta.dirname, '..');

it('examples/aws is made by `cdk synth`, without an account and without the network', async () => {
  const folder = await temporaryFolder();
  try {
    const bundle = await writeBundle(folder);
    const out = join(folder, 'out');
    const bin = join(root, 'node_modules/.bin');
    const options = [
      '--output',
      out,
      '--context',
      `bundle=${bundle}`,
      '--no-notices',
      '--no-version-reporting',
      '--quiet',
    ];
    // Of 3.0.0 and older ones it ends with an error: they cannot read what aws-cdk-lib of today writes.
    const { stderr: said } = await promisify(execFile)(join(bin, 'cdk'), ['synth', ...options], {
      cwd: join(root, 'examples/aws'),
      // No profile of whoever runs this, and nobody to be asked for one.
      env: {
        PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
        HOME: folder,
        CI: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
    });
    expect(said).not.toMatch(/error/i);
    expect((await readdir(out)).filter((name) => name.endsWith('.template.json')).toSorted()).toEqual([
      'bluemoxon-production-source.template.json',
      'bluemoxon-staging-refresh.template.json',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
