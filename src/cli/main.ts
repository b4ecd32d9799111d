#!/usr/bin/env node
// Nothing else is imported before the version is known: an older Node would stop at syntax that it does not know.
const oldest = [22, 18] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) {
  await keepHeapSmall();
  await keepCompiled();
  const { main } = await import('./program.ts');
  await main(process.argv.slice(2));
} else {
  console.error(`restage needs Node ${oldest.join('.')} or later; this is ${process.versions.node}.`);
  console.error('Beside other versions it can be had for one folder: npm install --save-dev node@24');
  process.exitCode = 2;
}

/** What was compiled once is not compiled again: half of a start's time. In a folder of the user's own, for it is code. */
async function keepCompiled(): Promise<void> {
  const [{ chmodSync, mkdirSync }, { enableCompileCache }, { homedir }, { join }] = await Promise.all([
    import('node:fs'),
    import('node:module'),
    import('node:os'),
    import('node:path'),
  ]);
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'restage');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700); // whoever can write there writes what is run
  } catch {
    return; // a home that cannot be written to, or that is another's
  }
  enableCompileCache(folder);
}

/**
 * V8 makes room for more young objects the longer a process runs, up to 64 MB, and lets old garbage wait until it is as much as
 * what is used. What restage makes is short-lived, and a run through millions of keys shall take no more memory than one
 * through thousands. Both flags are read whenever V8 thinks of growing, so they count from now on.
 */
async function keepHeapSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=40');
}
