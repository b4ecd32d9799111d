#!/usr/bin/env node
// Nothing else is imported before the version is known: an older Node would stop at syntax that it does not know.
const oldest = [22, 18] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) {
  const { main } = await import('./program.ts');
  await main(process.argv.slice(2));
} else {
  console.error(`restage needs Node ${oldest.join('.')} or later; this is ${process.versions.node}.`);
  console.error('Beside other versions it can be had for one folder: npm install --save-dev node@24');
  process.exitCode = 2;
}
