import type { Command } from 'commander';
import { areRight, check, checkOnLambda, checkText, type Finding } from '../index.ts';
import { onlyOption, onOption, type Place } from './arguments.ts';
import { perform, type GlobalOptions, type Only, type Session } from './frame.ts';
import { tellCheck } from './github-results.ts';
import { readSettings } from './settings.ts';
import { waiting } from './waiting.ts';

interface CheckCommandOptions extends GlobalOptions {
  readonly only?: Only;
  readonly on?: Place;
}

/** `check`: from here, or the databases by the function. */
export function checkCommand(command: (name: string, description: string) => Command): void {
  command('check', 'is every name, permission and connection right, and if not, what would be?')
    .option(...onlyOption)
    .option(...onOption)
    .addHelpText(
      'after',
      '\nIt writes one small object into each bucket of the target, and removes it.\nWith --quiet it tells only what is not right. Exit code 0 where nothing stands\nagainst a run, 1 otherwise.',
    )
    .action((options: CheckCommandOptions) =>
      perform(options, (session) => (options.on === 'lambda' ? lookOnLambda : lookHere)(session, options)),
    );
}

async function lookHere(
  { terminal, signal, file, github }: Session,
  { only, quiet }: CheckCommandOptions,
): Promise<number> {
  const { config, connect: connection } = await readSettings(file);
  const findings = await check(config, { ...connection, signal, only, environment: process.env });
  terminal.print(checkText(findings, terminal.style, { width: terminal.width, tells: told(quiet) }));
  const ok = areRight(findings);
  terminal.json({ ok, findings });
  tellCheck(github, findings);
  return ok ? 0 : 1;
}

/** Two tables: what is seen from here, and what the function sees from where it stands. */
async function lookOnLambda(
  { terminal, signal, file, github }: Session,
  { only, quiet }: CheckCommandOptions,
): Promise<number> {
  const { config, connect: connection, print } = await readSettings(file, process.env, 'buckets');
  const configPrint = config.target.lambda ? await print() : '';
  const look = () => checkOnLambda(config, { ...connection, configPrint, signal, only, environment: process.env });
  const name = config.target.lambda?.function;
  const found = await (name === undefined
    ? look()
    : waiting(terminal, `the function ${name} looks at the databases`, look));
  const { here, there } = found;
  const { style, width } = terminal;
  const table = (findings: readonly Finding[]) => checkText(findings, style, { width, tells: told(quiet) });
  if (there) {
    terminal.print(`${style('strong', `in the function ${there.name}`)}\n\n${table(there.findings)}\n`);
    terminal.print(style('strong', 'from here\n'));
  }
  terminal.print(table(here));
  const all = [...(there?.findings ?? []), ...here];
  const ok = areRight(all);
  terminal.json({ ok, findings: here, ...(there ? { function: there } : {}) });
  tellCheck(github, all);
  return ok ? 0 : 1;
}

function told(quiet = false): (finding: Finding) => boolean {
  return ({ verdict }) => !quiet || verdict !== 'right';
}
