import type { PlanOptions } from './plan.ts';

/** That a run of one part does not look at `verify.references`. */
export function unseenReferences(only: PlanOptions['only']): string {
  const why =
    only === undefined ? 'without a database' : `of ${only === 'database' ? 'the database' : 'objects'} alone`;
  return `verify.references: a run ${why} does not look whether the objects that rows name are there; restage verify does`;
}
