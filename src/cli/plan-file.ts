import { readFile } from 'node:fs/promises';
import { json, readPlan, RestageError, type Plan, type PlannedObject, type SavedPlan } from '../index.ts';
import { objectList } from './object-list.ts';
import { writePrivately } from './private-file.ts';

/** The plan in a file that `plan --out` wrote, if it may be run at all. Throws `plan-invalid`, and the plan's own refusals. */
export async function savedPlan(file: string, tolerancePercent: number): Promise<SavedPlan> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const words = error.code === 'ENOENT' ? `there is no ${file}` : `${file} cannot be read: ${error.message}`;
    throw new RestageError('plan-invalid', words, { cause: error, hint: `Make one: restage plan --out ${file}` });
  });
  const plan = readPlan(text, file);
  const [first, ...more] = plan.refusals ?? [];
  if (first) {
    const told = [first, ...more].map(({ message }) => `\n  ${message}`).join('');
    throw new RestageError(first.code, `${file} is a plan that was refused:${told}`, { hint: first.hint });
  }
  return { plan, file, tolerancePercent };
}

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
      writePrivately(name, text);
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
