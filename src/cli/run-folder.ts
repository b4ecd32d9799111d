import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { markdown, type Plan, type Report } from '../index.ts';

/** Keeps a run under .restage/runs/<run>/, readable by its owner only. Returns the report's path for people. */
export async function keepRun(report: Report, plan: Plan): Promise<string> {
  const folder = join('.restage', 'runs', report.run);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keep = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 });
  await Promise.all([
    keep('plan.json', `${JSON.stringify(plan, null, 2)}\n`),
    keep('report.json', `${JSON.stringify(report, null, 2)}\n`),
    keep('report.md', markdown(report)),
  ]);
  return relative('.', join(folder, 'report.md'));
}
