import type { Command } from 'commander';
import { connect, drift, driftText, fit } from '../index.ts';
import { perform, type GlobalOptions } from './frame.ts';
import { readSettings } from './settings.ts';

/** `drift`: how the schemas of both databases differ. `command` makes one with the options that all have. */
export function driftCommand(command: (name: string, description: string) => Command): void {
  command('drift', 'how the schemas of both databases differ, object by object; writes nothing')
    .option('--exit-code', 'exit with 4 where anything differs, as git diff does with 1')
    .action((options: GlobalOptions & { exitCode?: boolean }) =>
      perform(options, async ({ terminal, signal, file, relyOn }) => {
        const settings = await readSettings(file);
        const { config, connect: connection } = settings;
        relyOn(settings, 'database');
        using ends = await connect(config, { ...connection, only: 'database', signal });
        const report = await drift(config, ends, { signal });
        terminal.print(fit(driftText(report, terminal.style), terminal.width));
        terminal.json(report);
        return options.exitCode && report.drift.differences.length > 0 ? 4 : 0;
      }),
    );
}
