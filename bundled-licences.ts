import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly author?: string | { readonly name: string };
}

/**
 * The licences of every package that is in a bundle, each text once, as they must go with it. Throws where a package brings none and
 * its kind does not say enough: somebody must look it up.
 */
export async function licencesOf({ inputs }: Pick<Metafile, 'inputs'>, root: string): Promise<string> {
  const folders = new Set(
    Object.keys(inputs).flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
  );
  const byText = new Map<string, { readonly text: string; readonly titles: readonly string[] }>([
    [
      'PostgreSQL',
      { text: postgresLicence, titles: ['PostgreSQL: its pg_dump, compiled to WebAssembly: pg_dump.wasm'] },
    ],
  ]);
  for (const folder of [...folders].toSorted()) {
    const { title, text } = await licenceOf(join(root, folder), root);
    const key = text.replaceAll(/\s+/g, ' ');
    byText.set(key, { text, titles: [...(byText.get(key)?.titles ?? []), title] });
  }
  const rule = '-'.repeat(80);
  return [...byText.values()].map(({ titles, text }) => `${titles.join('\n')}\n\n${text}\n`).join(`\n${rule}\n\n`);
}

async function licenceOf(folder: string, root: string): Promise<{ readonly title: string; readonly text: string }> {
  const found = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Package; // as npm wants it
  const { name, version, license } = found;
  const title = `${name} ${version} (${license})`;
  const files = await readdir(folder);
  const file = files.find((one) => /^licen[cs]e(\.\w+)?$/i.test(one));
  if (file !== undefined) return { title, text: (await readFile(join(folder, file), 'utf8')).trim() };
  const readme = files.find((one) => /^readme\.md$/i.test(one));
  const said = readme && /^#+ licen[cs]e\s*\n([^]*)/im.exec(await readFile(join(folder, readme), 'utf8'))?.[1];
  if (said && said.includes('Permission is hereby granted')) return { title, text: said.trim() };
  if (license === 'Apache-2.0') return { title, text: (await readFile(join(root, 'LICENSE'), 'utf8')).trim() };
  const holder = typeof found.author === 'string' ? found.author : found.author?.name;
  if (license === 'MIT' && holder) return { title, text: `Copyright (c) ${holder}\n\n${mitTerms}` };
  throw new Error(`${title} is in the function's bundle and brings no licence text`);
}

const mitTerms = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

const postgresLicence = `PostgreSQL Database Management System
(formerly known as Postgres, then as Postgres95)

Portions Copyright (c) 1996-2026, PostgreSQL Global Development Group
Portions Copyright (c) 1994, The Regents of the University of California

Permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and
without a written agreement is hereby granted, provided that the above copyright notice and this paragraph and the
following two paragraphs appear in all copies.

IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA BE LIABLE TO ANY PARTY FOR DIRECT, INDIRECT, SPECIAL, INCIDENTAL, OR
CONSEQUENTIAL DAMAGES, INCLUDING LOST PROFITS, ARISING OUT OF THE USE OF THIS SOFTWARE AND ITS DOCUMENTATION, EVEN IF
THE UNIVERSITY OF CALIFORNIA HAS BEEN ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

THE UNIVERSITY OF CALIFORNIA SPECIFICALLY DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE. THE SOFTWARE PROVIDED HEREUNDER IS ON AN "AS IS"
BASIS, AND THE UNIVERSITY OF CALIFORNIA HAS NO OBLIGATIONS TO PROVIDE MAINTENANCE, SUPPORT, UPDATES, ENHANCEMENTS, OR
MODIFICATIONS.`;
