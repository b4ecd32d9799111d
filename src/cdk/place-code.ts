import { cpSync, existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { RestageError } from '../index.ts';
import type { ReadConfig } from './read-config.ts';

/** Where this package has its own bundle: beside the compiled sources. */
const ownBundle = fileURLToPath(new URL('../../function', import.meta.url));

/** The name of the configuration beside the bundle, whatever it is called where it comes from. */
export const placedConfig = 'restage.yaml';

/**
 * A folder with the bundle, the configuration as it stands (no variable is put in) and the files that it names, under their own
 * names. Throws `config-missing` where there is no bundle.
 */
export function placeCode(construct: Construct, { file, files }: ReadConfig, bundle: string = ownBundle): string {
  if (!existsSync(join(bundle, 'index.mjs')))
    throw new RestageError('config-missing', `there is no bundle of the function in ${bundle}: no index.mjs`, {
      hint: 'It comes with the package restage, in dist/function; in its repository `npm run build` makes it.',
    });
  // Among what is made here: there it is replaced by the next time, and left nowhere else.
  const folder = join(Stage.of(construct)?.outdir ?? '', `restage.${construct.node.addr}`);
  rmSync(folder, { recursive: true, force: true });
  cpSync(bundle, folder, { recursive: true });
  cpSync(file, join(folder, placedConfig));
  for (const one of files) cpSync(resolve(dirname(file), one), join(folder, one), { recursive: true });
  return folder;
}
