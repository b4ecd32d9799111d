import type { OpenPlace } from './open-place.ts';

/** A run's files: the plan that was looked at, the paused report of its last part, and the report in its forms. */
export type RunFile = 'plan.json' | 'paused.json' | 'report.json' | 'report.md' | 'report.html';

export interface RunFiles {
  /** Gives its address, s3://… */
  keep(run: string, file: RunFile, text: string): Promise<string>;
  /** Undefined where there is none. */
  fetch(run: string, file: RunFile): Promise<string | undefined>;
}

const contentTypes: { readonly [File in RunFile]: string } = {
  'plan.json': 'application/json',
  'paused.json': 'application/json',
  'report.json': 'application/json',
  'report.md': 'text/markdown; charset=utf-8',
  'report.html': 'text/html; charset=utf-8',
};

export function runFiles({ address, folder, texts, read }: OpenPlace): RunFiles {
  return {
    keep: async (run, file, text) => {
      await (await texts()).write(`${folder}${run}/${file}`, text, contentTypes[file]);
      return `${address}/${run}/${file}`;
    },
    fetch: (run, file) => read(`${run}/${file}`),
  };
}
