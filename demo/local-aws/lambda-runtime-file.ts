import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The runtime as JavaScript: stripping its types in the function's own process would take a third more of that one's memory. */
export async function runtimeFile(folder: string): Promise<string> {
  const suffix = extname(import.meta.url);
  const file = fileURLToPath(new URL(`./lambda-runtime${suffix}`, import.meta.url));
  if (suffix !== '.ts') return file;
  const strip = `process.stdout.write(require('node:module').stripTypeScriptTypes(require('node:fs').readFileSync(${JSON.stringify(file)},'utf8')))`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '-e',
    strip,
  ]);
  const compiled = join(folder, 'lambda-runtime.mjs');
  await writeFile(compiled, stdout);
  return compiled;
}
