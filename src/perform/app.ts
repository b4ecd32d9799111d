import { readPath, type App } from '../app/client.ts';
import { awaitHealth } from '../app/health.ts';
import { migrate } from '../app/migrate.ts';
import { failureOf, RestageError } from '../errors.ts';
import { readRevision } from '../postgres/revision.ts';
import type { Context, Perform } from './context.ts';

/** The steps that speak to the applications, once staging holds the new database. */
export const appSteps: Perform<'migrate' | 'check-health' | 'compare-total'> = {
  migrate: async (step, context) => {
    const app = requireApp(context.ends.target.app, 'target');
    const before = await revisionOf(context);
    const { body } = await migrate(app, step, context.signal);
    const after = await revisionOf(context);
    return {
      facts: {
        answer: body,
        ...(before === undefined ? {} : { revisionBefore: before }),
        ...(after === undefined ? {} : { revisionAfter: after }),
      },
    };
  },

  'check-health': async (step, context) => {
    const { body } = await awaitHealth(requireApp(context.ends.target.app, 'target'), step, context.signal);
    return { facts: { answer: body } };
  },

  'compare-total': async (step, { ends, signal }) => {
    const read = async (app: App) => {
      const { status, body } = await app.send({ method: 'GET', path: step.path, signal });
      const value = readPath(body, step.read);
      if (value === undefined)
        throw new RestageError(
          'app-unexpected',
          `GET ${app.url}${step.path} answered HTTP ${status} without ${step.read}`,
        );
      return value;
    };
    // Production goes on meanwhile: the target's total must lie between what the source says before and after.
    const before = await read(requireApp(ends.source.app, 'source'));
    const target = await read(requireApp(ends.target.app, 'target'));
    const source = isSame(before, target) ? before : await read(requireApp(ends.source.app, 'source'));
    if (isSame(source, target) || isBetween(target, before, source)) return { facts: { source, target } };
    const message = `${step.read} of GET ${step.path} is ${JSON.stringify(source)} at the source and ${JSON.stringify(target)} at the target`;
    return { facts: { source, target }, failure: failureOf(new RestageError('data-differs', message)) };
  },
};

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isBetween(value: unknown, one: unknown, other: unknown): boolean {
  if (typeof value !== 'number' || typeof one !== 'number' || typeof other !== 'number') return false;
  return value >= Math.min(one, other) && value <= Math.max(one, other);
}

function requireApp(app: App | undefined, end: string): App {
  if (!app)
    throw new RestageError(
      'config-invalid',
      `the plan speaks to the ${end}'s application, which the config does not name`,
    );
  return app;
}

/** The revision that the target's own database now names. */
async function revisionOf({ ends, database, signal }: Context): Promise<string | undefined> {
  if (!ends.target.database || !database) return undefined;
  await using session = await ends.target.database.session({ label: database.run, access: 'read-only', signal });
  return await readRevision(session);
}
