import { writeFileSync } from 'node:fs';
import { json, RestageError, type Plan, type PlannedObject } from '../index.ts';
import { objectList } from './object-list.ts';

/** A plan in a file, and beside it the keys that differ. */
export interface PlanFile extends Disposable {
  add(object: PlannedObject): void;
  /** Throws `folder-unwritable`. */
  finish(plan: Plan): void;
}

export function keepPlan(file: string): PlanFile {
  const listFile = `${file.replace(/\.json$/, '')}.ndjson`;
  const write = (name: string, text: string) => {
    try {
      writeFileSync(name, text, { mode: 0o600 });
    } catch (error) {
      throw new RestageError(
        'folder-unwritable',
        `the plan cannot be written to ${name}: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  };
  write(listFile, ''); // before the buckets are listed: a wrong path is told at once
  const list = objectList(() => listFile);
  return {
    add: list.add,
    finish: (plan) => {
      list[Symbol.dispose]();
      if (list.problem !== undefined)
        throw new RestageError('folder-unwritable', `the keys cannot be written to ${listFile}: ${list.problem}`);
      write(file, `${json(plan)}\n`);
    },
    [Symbol.dispose]: () => list[Symbol.dispose](),
  };
}
