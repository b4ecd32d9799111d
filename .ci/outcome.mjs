// What each suite came to, and every test that failed with the first lines of why, from the JSON results in a folder.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

const [folder = '.'] = process.argv.slice(2);

const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
for (const file of files.toSorted()) {
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(join(folder, file), 'utf8'),
  );
  const suite = `npm run ${basename(file, '.json')}`;
  console.log(`${suite}: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter((one) => one.status === 'failed');
    const where = relative('.', name);
    // A file that could not be loaded, or whose set-up failed, has failed without a test that did.
    if (status === 'failed' && failed.length === 0) console.log(`  ✗ ${where}\n${begun(message)}`);
    for (const { fullName, failureMessages } of failed)
      console.log(`  ✗ ${where}: ${fullName}\n${begun(failureMessages.join('\n'))}`);
  }
}

/** The first lines, indented. */
function begun(text) {
  const lines = (text ?? '').split('\n').slice(0, 15);
  return lines.map((line) => `      ${line}`).join('\n');
}
