import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// The linter says nothing of a pattern that it cannot read: it finds nothing by it.

const root = join(import.meta.dirname, '..');

/** Of imports by files that are like ours, those that the linter refuses. */
async function refused(imports: readonly (readonly [string, string])[]): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'restage-lint-'));
  try {
    await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const [index, [place, module]] of imports.entries()) {
      const file = join(folder, place, `case-${index}.ts`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `import { a } from '${module}';\n\nexport const b = a;\n`);
    }
    const told = await promisify(execFile)(join(root, 'node_modules/.bin/oxlint'), ['-f', 'json'], {
      cwd: folder,
    }).catch((error: unknown) => error as { readonly stdout: string }); // its exit code says that something was found
    const { diagnostics } = JSON.parse(told.stdout) as {
      readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
    };
    const places = diagnostics.flatMap(({ code, filename }) =>
      code === 'eslint(no-restricted-imports)' ? Number(/case-(\d+)\.ts$/.exec(filename)?.[1]) : [],
    );
    return imports.flatMap(([place, module], index) => (places.includes(index) ? `${place} ← ${module}` : []));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the doors use the library by its front door, rooms know no other room, and nobody imports a door', async () => {
  const forbidden = [
    ['src/cli', '../plan.ts'],
    ['src/cli', '../init/answers.ts'],
    ['src/cli', '../lambda/index.ts'],
    ['src/cli', 'pg'],
    ['src/lambda', '../connect.ts'],
    ['src/lambda', '../remote/run-store.ts'],
    ['src/lambda', '../../demo/environment.ts'],
    ['src/lambda', 'pg'],
    ['src/lambda', '@aws-sdk/client-s3'],
    ['src/cdk', '../connect.ts'],
    ['src/cdk', '../lambda/index.ts'],
    ['src/cdk', '../../demo/environment.ts'],
    ['src/cdk', 'zod'],
    ['src/remote', '../lambda/index.ts'],
    ['src/remote', '../cli/frame.ts'],
    ['src/remote', '@aws-sdk/client-lambda'],
    ['src/remote', 'aws-cdk-lib'],
    ['src/remote', 'pg'],
    ['src', './cdk/index.ts'],
    ['src/postgres', '../plan.ts'],
    ['src/postgres', '../s3/client.ts'],
    ['src/postgres/rules', '../../plan.ts'],
    ['src/postgres/rules', '@aws-sdk/client-s3'],
    ['src/postgres/rules/leaks', '../../../plan.ts'],
    ['src/s3', '../aws/account.ts'],
    ['src/aws', '../s3/client.ts'],
    ['src/app', '../nearest.ts'],
  ] as const;
  expect(await refused(forbidden)).toEqual(forbidden.map(([place, module]) => `${place} ← ${module}`));
});

test('what each may use it may use', async () => {
  const allowed = [
    ['src/cli', '../index.ts'],
    ['src/cli', '../init/index.ts'],
    ['src/cli', '../../demo/environment.ts'],
    ['src/lambda', '../index.ts'],
    ['src/lambda', './task.ts'],
    ['src/cdk', '../index.ts'],
    ['src/cdk', './rights.ts'],
    ['src/cdk', 'aws-cdk-lib/aws-scheduler'],
    ['src/cdk', 'constructs'],
    ['src/cdk', 'node:fs'],
    ['src/remote', '../aws/invoke.ts'],
    ['src/postgres', '../errors.ts'],
    ['src/postgres', 'pg'],
    ['src/postgres/rules', '../names.ts'],
    ['src/postgres/rules', '../../errors.ts'],
    ['src/postgres/rules/leaks', '../../session.ts'],
    ['src/s3', '../nearest.ts'],
    ['src/aws', '@aws-sdk/client-lambda'],
    ['src/app', '../errors.ts'],
  ] as const;
  expect(await refused(allowed)).toEqual([]);
});
