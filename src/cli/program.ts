import { Command, CommanderError } from 'commander';
import { exitCodes, ownVersion } from '../index.ts';
import { apiCommand } from './api-command.ts';
import { onOption, parseEnd, type Place } from './arguments.ts';
import { checkCommand } from './check-command.ts';
import { demo } from './demo.ts';
import { driftCommand } from './drift-command.ts';
import { perform, type GlobalOptions } from './frame.ts';
import { initCommand } from './init-command.ts';
import { readSettings } from './settings.ts';
import { backCommands } from './back-commands.ts';
import { reportCommand } from './report-command.ts';
import { syncCommands } from './sync-command.ts';
import { openTerminal } from './terminal.ts';
import { verifyCommand } from './verify-command.ts';

/** Runs one command and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  const program = build();
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    process.exitCode = exitCodes.usage;
    if (args.includes('--json'))
      openTerminal({ json: true }).json({ error: { code: 'usage', message: error.message.replace(/^error: /, '') } });
  }
}

function build(): Command {
  const program = new Command('restage')
    .description('Makes staging look like production again: PostgreSQL and S3, across AWS accounts.')
    .version(ownVersion(), '-v, --version')
    .exitOverride()
    .showHelpAfterError('(restage --help shows what there is)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a step failed, 2 usage or config, 3 refused by a guard,\n4 verify found differences, 130 interrupted.',
    );

  initCommand(program);
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('-c, --config <file>', 'the configuration', 'restage.yaml')
      .option('--json', 'one JSON document on stdout')
      .option('-q, --quiet', 'only the answer')
      .option('--debug', 'show where an error came from');
  checkCommand(command);
  syncCommands(command);

  verifyCommand(command);
  driftCommand(command);
  apiCommand(command);
  reportCommand(program);
  backCommands(command);

  command('protect', 'mark an end, the source unless told otherwise, so that no sync ever replaces it')
    .argument('[end]', 'source or target', parseEnd, 'source')
    .option('-y, --yes', 'go on without asking')
    .option('--print', 'write nothing; print the SQL and the AWS commands that do it by hand')
    .action((end: 'source' | 'target', options: GlobalOptions & { yes?: boolean; print?: boolean }) =>
      perform(options, async ({ terminal, signal, file, onStart }) => {
        const { config, connect: connection } = await readSettings(file);
        const { protectEnd } = await import('./protect.ts');
        const { yes = false, print = false } = options;
        return protectEnd(config, terminal, { side: end, yes, print, connect: connection, signal, onStart });
      }),
    );

  program
    .command('demo')
    .description('the whole thing on this machine, nothing to configure')
    .option('--full', 'objects of 1.7 GB in all')
    .option('--keep', 'leave it running, to try the commands by hand')
    .option(...onOption)
    .option('--json', 'one JSON document on stdout')
    .option('-q, --quiet', 'only the answer')
    .option('--debug', 'show where an error came from')
    .action((options: Omit<GlobalOptions, 'config'> & { full?: boolean; keep?: boolean; on?: Place }) =>
      perform({ ...options, config: '' }, (session) => {
        const { full = false, keep = false, on = 'local' } = options;
        return demo(session, { full, keep, on });
      }),
    );
  return program;
}
