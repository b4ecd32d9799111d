import { readFileSync } from 'node:fs';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build, type Metafile, type Plugin } from 'esbuild';
import { licencesOf } from './bundled-licences.ts';

/** How a bundle is made otherwise than it is published: the bench weighs them. */
export interface FunctionVariant {
  /** `runtime`: the AWS SDK that the place it runs in brings. */
  readonly sdk?: 'bundled' | 'runtime';
  readonly minify?: boolean;
  readonly sourcemap?: boolean;
  readonly splitting?: boolean;
}

/** What a folder holds that is the function. */
export interface BuiltFunction {
  /** By name, in its order. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly bytes: number;
  /** As one ZIP archive, deflated at zlib's default level: what Lambda counts against its limit of an upload. */
  readonly zippedBytes: number;
}

const entries = {
  index: 'src/lambda/handler.ts',
  task: 'src/lambda/main.ts',
  'schema-dump-worker': 'src/postgres/schema-dump-worker.ts',
};

/** Named in the sources of packages, behind a door that nobody opens. */
const neverLoaded = ['pg-native'];
const sdkPackages = ['@aws-sdk/*', '@smithy/*'];

/**
 * Builds the function into an empty or a new folder: every file that it needs is in it, and no node_modules. The files lie flat, so that
 * what the sources look for beside themselves (the thread of pg_dump, its wasm) is found beside the bundle too.
 */
export async function buildFunction(folder: string, variant: FunctionVariant = {}): Promise<BuiltFunction> {
  const { sdk = 'bundled', minify = false, sourcemap = false, splitting = true } = variant;
  const { metafile } = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: entries,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    splitting,
    minify,
    keepNames: minify, // an error's name is read
    sourcemap: sourcemap ? 'linked' : false,
    legalComments: 'none', // they stand in THIRD-PARTY-LICENSES
    external: [...neverLoaded, ...(sdk === 'runtime' ? sdkPackages : [])],
    plugins: [httpByRequire],
    // Packages of CommonJS ask for Node's own modules by it.
    banner: {
      js: `import{createRequire as __requireFrom}from'node:module';const require=__requireFrom(import.meta.url);`,
    },
    metafile: true,
    logLevel: 'warning',
  });
  requireWhole(metafile, sdk);
  const tools = createRequire(import.meta.url).resolve('@electric-sql/pglite-tools/pg_dump');
  await copyFile(join(tools, '../pg_dump.wasm'), join(folder, 'pg_dump.wasm'));
  await copyFile(join(import.meta.dirname, 'src/lambda/Dockerfile'), join(folder, 'Dockerfile'));
  const { name, version, license } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'),
  ) as Record<string, string>;
  await writeFile(
    join(folder, 'package.json'),
    `${JSON.stringify({ name, version, license, type: 'module', private: true })}\n`,
  );
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES'), await licencesOf(metafile, import.meta.dirname));
  return measureFolder(folder);
}

/**
 * node:http by `require`: of a module that is imported Node reads every export, and among those of node:http are WebSocket and what
 * else comes with fetch, which takes a tenth of a start.
 */
const httpByRequire: Plugin = {
  name: 'http-by-require',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'require-call' ? { path: 'node:http', external: true } : { path: 'http', namespace: 'required' },
    );
    onLoad({ filter: /./, namespace: 'required' }, () => ({ contents: `module.exports = require('node:http')` }));
  },
};

/** Throws where something would be looked for outside of the folder when it runs. */
function requireWhole({ outputs }: Metafile, sdk: 'bundled' | 'runtime'): void {
  const wanted = Object.values(outputs).flatMap(({ imports }) => imports.filter((one) => one.external === true));
  const strange = wanted
    .map(({ path }) => path)
    .filter((path) => !isBuiltin(path) && !neverLoaded.includes(path) && !(sdk === 'runtime' && path.startsWith('@')));
  if (strange.length > 0) throw new Error(`the function's bundle lacks ${[...new Set(strange)].join(', ')}`);
}

/** The sizes of a folder without folders in it. */
async function measureFolder(folder: string): Promise<BuiltFunction> {
  const names = (await readdir(folder)).toSorted();
  const contents = await Promise.all(
    names.map(async (name) => ({ name, content: await readFile(join(folder, name)) })),
  );
  const zipped = contents.map(
    // A local header, the data, an entry of the central directory; 22 for its end.
    ({ name, content }) => 30 + Buffer.byteLength(name) + deflateRawSync(content).length + 46 + Buffer.byteLength(name),
  );
  return {
    files: contents.map(({ name, content }) => ({ name, bytes: content.length })),
    bytes: contents.reduce((sum, { content }) => sum + content.length, 0),
    zippedBytes: zipped.reduce((sum, bytes) => sum + bytes, 22),
  };
}
