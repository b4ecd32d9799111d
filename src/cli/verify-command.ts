import type { Command } from 'commander';
import { connect, fit, verificationText, verify, type Verification } from '../index.ts';
import { onlyOption, onOption, type Place } from './arguments.ts';
import { perform, type GlobalOptions, type Only, type Session } from './frame.ts';
import { tellVerification } from './github-results.ts';
import { readSettings } from './settings.ts';
import { waiting } from './waiting.ts';

interface VerifyCommandOptions extends GlobalOptions {
  readonly only?: Only;
  readonly on?: Place;
  readonly sample?: boolean;
}

/** `verify`: from here, or its database by the function. */
export function verifyCommand(command: (name: string, description: string) => Command): void {
  command('verify', 'compare the target with the source, as both are now')
    .option(...onlyOption)
    .option(...onOption)
    .option('--sample', 'a quick look: of large tables the number of rows and the content of some of them')
    .action((options: VerifyCommandOptions) =>
      perform(options, async (session) => {
        const { terminal, github } = session;
        const found = await (options.on === 'lambda' ? compareThere : compareHere)(session, options);
        terminal.print(fit(verificationText(found, terminal.style), terminal.width));
        terminal.json(found);
        tellVerification(github, found);
        return found.differences.length === 0 ? 0 : 4;
      }),
    );
}

async function compareHere(
  { file, signal, relyOn }: Session,
  { only, sample }: VerifyCommandOptions,
): Promise<Verification> {
  const settings = await readSettings(file);
  const { config, connect: connection } = settings;
  relyOn(settings, only);
  using ends = await connect(config, { ...connection, only, signal });
  return await verify(config, ends, { only, sample, signal });
}

async function compareThere(
  { file, signal, relyOn, terminal }: Session,
  { only, sample }: VerifyCommandOptions,
): Promise<Verification> {
  const there = await import('./lambda-route.ts');
  const settings = await readSettings(file, process.env, 'buckets');
  const { config, connect: connection } = settings;
  if (only !== 'database') relyOn(settings, 'objects');
  using ends = only === 'database' ? undefined : await there.connectBuckets(config, connection, signal);
  return await waiting(terminal, `the function ${config.target.lambda?.function} compares`, () =>
    there.compareOnLambda(settings, ends, signal, { only, sample }),
  );
}
