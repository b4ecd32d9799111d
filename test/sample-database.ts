import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

// Sample databases that everybody knows. They are no part of the repository.
const folder = fileURLToPath(new URL('../../shared/data/', import.meta.url));

export type SampleDatabase = 'pagila' | 'chinook' | 'northwind';

/** Why the database cannot be loaded here, if it is not there. */
export function sampleIsMissing(name: SampleDatabase): string | false {
  return !existsSync(`${folder}${name}.sql`) && `${folder}${name}.sql is not there`;
}

/** Loads a sample database as psql would: statements, rows of COPY up to `\.`, and commands of psql's own. */
export async function loadSample(url: string, name: SampleDatabase): Promise<void> {
  const file = await readFile(`${folder}${name}.sql`, 'utf8');
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
