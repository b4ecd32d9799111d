import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Sample databases that everybody knows. They are no part of the repository: where they are missing, nothing is tested. */
export const knownDatabases = ['pagila', 'chinook', 'northwind'] as const;

type KnownDatabase = (typeof knownDatabases)[number];

/** Where its SQL is, if it is there. */
export function knownFile(name: KnownDatabase): { readonly path: string; readonly exists: boolean } {
  const path = fileURLToPath(new URL(`../../shared/data/${name}.sql`, import.meta.url));
  return { path, exists: existsSync(path) };
}

/** Loads its file into an empty database as psql would: statements, rows of COPY up to `\.`, and commands of psql's own. */
export async function loadKnown(url: string, name: KnownDatabase): Promise<void> {
  const file = await readFile(knownFile(name).path, 'utf8');
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // what is asked of it fails, and that is enough
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
