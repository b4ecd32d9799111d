import { isAbsolute, relative } from 'node:path';
import { findProgram } from '../command-program.ts';
import type { CheckContext } from './context.ts';
import { lookIn, type Finding } from './finding.ts';

/** The programs that migrate, looked for as a run will: on the PATH, and the folder that they are started in. */
export function commandRows({ config, environment }: CheckContext): Promise<Finding>[] {
  const look = lookIn('app');
  const commands = config.migrate.steps.flatMap(({ command }) => command ?? []);
  return commands.map(({ run, cwd = '.', env }, index) =>
    look(`migrate.command${commands.length === 1 ? '' : ` ${index + 1}`}`, run.join(' '), async () => {
      const file = await findProgram({ run, cwd, path: env['PATH'] ?? environment['PATH'] });
      return `${isAbsolute(file) && file.startsWith(`${cwd}/`) ? relative(cwd, file) : file}, in ${cwd}`;
    }),
  );
}
