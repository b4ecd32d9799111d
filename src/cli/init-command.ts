import type { Command } from 'commander';
import { databaseForms, type InitOptions } from '../init/index.ts';
import { perform, type GlobalOptions } from './frame.ts';
import { init } from './init.ts';

export function initCommand(program: Command): void {
  const command = program
    .command('init')
    .description('write a restage.yaml, by options or by questions, and check it')
    .option('-c, --config <file>', 'the file to write', 'restage.yaml')
    .option('--force', 'replace the file where it is there already');
  const each = (value: string, others: readonly string[] = []) => [...others, value];
  for (const side of ['source', 'target'] as const)
    command
      .option(`--${side}-profile <name>`, `the AWS profile of the ${side}`)
      .option(`--${side}-region <region>`, "where it is not the profile's own")
      .option(`--${side}-database <database>`, databaseForms)
      .option(`--${side}-bucket <name=bucket>`, 'a bucket, by a name that is the same at both ends; repeatable', each)
      .option(`--${side}-app <url>`, "the base of its application's API")
      .option(`--${side}-name <name>`, `what the ${side} is called`, side === 'source' ? 'production' : 'staging')
      .option(`--${side}-endpoint <[service=]url>`, 'instead of AWS, for s3 or all services; repeatable', each);
  command
    .option('--function <name>', 'the function of the target that refreshes the database inside the VPC')
    .option('--json', 'one JSON document on stdout; nothing is asked')
    .option('-q, --quiet', 'only the answer')
    .option('--debug', 'show where an error came from')
    .action((options: GlobalOptions & InitOptions & { force?: boolean }) =>
      perform(options, ({ terminal, signal, file }) =>
        init(terminal, { file, options, force: options.force ?? false, silent: options.json ?? false, signal }),
      ),
    );
}
