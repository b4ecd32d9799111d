import { type App } from '../app/client.ts';
import { valueAt } from '../app/json-path.ts';
import { awaitHealth } from '../app/health.ts';
import { failureOf, RestageError } from '../errors.ts';
import type { Perform } from './context.ts';

/** What the applications say, once staging holds the new database. */
export const appSteps: Perform<'check-health' | 'compare-versions' | 'compare-total' | 'check-value'> = {
  'check-health': async (step, context) => {
    const { body } = await awaitHealth(requireApp(context.ends.target.app, 'target'), step, context.signal);
    return { facts: { answer: body, checks: [] } };
  },

  'compare-versions': async () => {
    return { facts: { relation: 'unknown' as const } };
  },

  'check-value': async () => {
    throw new RestageError('internal', 'check-value');
  },

  'compare-total': async (step, { ends, signal }) => {
    const read = async (app: App) => {
      const { status, body } = await app.send({ method: 'GET', path: step.path, signal });
      const value = valueAt(body, step.read);
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

export function requireApp(app: App | undefined, end: string): App {
  if (!app)
    throw new RestageError(
      'config-invalid',
      `the plan speaks to the ${end}'s application, which the config does not name`,
    );
  return app;
}
