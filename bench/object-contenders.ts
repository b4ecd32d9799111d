import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, type Command } from './measure.ts';
import { environmentOf, writeConfig, type Buckets, type ObjectGround } from './object-ground.ts';

/** A tool that brings one bucket to what another holds, or says how far it is from that. */
export interface ObjectContender {
  readonly name: string;
  command(ground: ObjectGround, buckets: Buckets): Promise<Command>;
}

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

/** restage as its user calls it: the command line of the built package. */
export function restage(name: string, args: readonly string[], codes: readonly number[] = [0]): ObjectContender {
  return {
    name,
    command: async (ground, buckets) => {
      const config = await writeConfig(ground, buckets);
      const program = process.execPath;
      return {
        program,
        args: [main, ...args, '--only', 'objects', '--json', '--config', config],
        env: environmentOf(ground),
        codes,
      };
    },
  };
}

export function rclone(name: string, args: readonly string[], codes: readonly number[] = [0]): ObjectContender {
  return {
    name,
    command: (ground, { source, target }) =>
      Promise.resolve({
        program: 'rclone',
        args: ['--config', join(ground.folder, 'rclone.conf'), ...args, `source:${source}`, `target:${target}`],
        env: environmentOf(ground),
        codes,
      }),
  };
}

/** Those that are wanted and that this machine can run; says of rclone how it is had. */
export function presentObjects(contenders: readonly ObjectContender[], only = ''): readonly ObjectContender[] {
  const wanted = contenders.filter(({ name }) => name.includes(only));
  if (isInstalled('rclone') || !wanted.some(({ name }) => name.startsWith('rclone'))) return wanted;
  console.log('left out: rclone; it is not here: apt-get install rclone');
  return wanted.filter(({ name }) => !name.startsWith('rclone'));
}
