import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder, writeBundle } from './aws-example.ts';

const root = join(import.meta.dirname, '..');

it('examples/aws is made by `cdk synth`, without an account and without the network', async (context) => {
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
    const asked = promisify(execFile)(join(bin, 'cdk'), ['synth', ...options], {
      cwd: join(root, 'examples/aws'),
      // No profile of whoever runs this, and nobody to be asked for one.
      env: {
        PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
        HOME: folder,
        CI: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
    });
    const said = await asked.then(
      ({ stderr }) => stderr,
      (error: { readonly stderr: string }) => {
        // aws-cdk 3.0.0 is older than its number: it knows assemblies up to 43, aws-cdk-lib writes 55.
        if (/not compatible with the CDK library/.test(error.stderr)) return undefined;
        throw error as unknown as Error;
      },
    );
    if (said === undefined)
      return context.skip('the installed aws-cdk is too old for aws-cdk-lib: 2.1148.2 or later is needed');
    expect(said).not.toMatch(/error/i);
    expect((await readdir(out)).filter((name) => name.endsWith('.template.json')).toSorted()).toEqual([
      'bluemoxon-production-source.template.json',
      'bluemoxon-staging-refresh.template.json',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
