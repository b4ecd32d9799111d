import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { isInstalled, type Command } from './measure.ts';
import type { Ground } from './servers.ts';

/** A way to copy the database `production` of the source into the database `peer` of the target. */
export interface Contender {
  readonly name: string;
  /** What must be on the PATH. */
  readonly needs: readonly string[];
  /** Makes ready, untimed, and gives what is timed. */
  prepare(ground: Ground): Promise<Command>;
}

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

const dumpAndRestore = [
  `pg_dump -Fd -j4 -Z0 -f "$WORK/dump" "$SOURCE"`,
  `pg_restore -j4 --no-owner --no-acl -d "$TARGET" "$WORK/dump"`,
];

export const pgDump: Contender = shell('pg_dump -j4, pg_restore -j4', ['pg_dump', 'pg_restore'], dumpAndRestore);

/** What pg_restore leaves to be done before anybody can work with the database. */
export const pgDumpAnalyze: Contender = shell(
  'the same, vacuumdb --analyze-only -j4',
  ['pg_dump', 'pg_restore', 'vacuumdb'],
  [...dumpAndRestore, `vacuumdb --quiet --analyze-only -j4 -d "$TARGET"`],
);

export const pgcopydb: Contender = shell(
  'pgcopydb clone 4/4',
  ['pgcopydb', 'pg_dump', 'pg_restore'],
  [`pgcopydb clone --source "$SOURCE" --target "$TARGET" --dir "$WORK/state" --table-jobs 4 --index-jobs 4 --restart`],
);

export const restage: Contender = cli('restage, every digest', 'content');
export const restageRows: Contender = cli('restage, rows counted', 'rows');

function shell(name: string, needs: readonly string[], commands: readonly string[]): Contender {
  return {
    name,
    needs,
    prepare: async (ground) => {
      const work = join(ground.folder, 'work');
      await rm(work, { recursive: true, force: true });
      await mkdir(work);
      const env = {
        SOURCE: ground.source.adminUrl('production'),
        TARGET: ground.target.adminUrl('peer'),
        WORK: work,
        XDG_RUNTIME_DIR: work,
      };
      return { program: 'sh', args: ['-c', commands.join(' && ')], env };
    },
  };
}

/** restage as its user calls it: the command line of the built package. */
function cli(name: string, tables: 'content' | 'rows'): Contender {
  return {
    name,
    needs: [],
    prepare: async ({ source, target, folder }) => {
      const file = join(folder, `${tables}.yaml`);
      const config = {
        version: 1,
        source: { name: 'production', database: { url: source.adminUrl('production') } },
        target: { name: 'staging', database: { url: target.adminUrl('peer') } },
        verify: { tables },
      };
      await writeFile(file, stringify(config), { mode: 0o600 });
      return { program: process.execPath, args: [main, 'sync', '--yes', '--json', '--config', file] };
    },
  };
}

/** Those that are wanted and that this machine can run; says of the others how they are had. */
export function present(contenders: readonly Contender[], only = ''): readonly Contender[] {
  return contenders.filter(({ name, needs }) => {
    if (!name.includes(only)) return false;
    const missing = needs.filter((program) => !isInstalled(program));
    if (missing.length > 0)
      console.log(`left out: ${name}; no ${missing.join(', ')} here: apt-get install pgcopydb postgresql-client`);
    return missing.length === 0;
  });
}
