import { displayTable, type TableName } from './postgres/names.ts';
import type { TableRule } from './postgres/rules/table-rule.ts';
import type { Step } from './step.ts';

/** Longer lines say how many more there are. */
const longestLine = 400;

/**
 * Which rules a run goes by, in short lines: what a database is noted with that the run made. Names only: neither SQL nor
 * any value of the config is among them.
 */
export function rulesTold(steps: readonly Step[]): readonly string[] {
  const ruled = steps.flatMap((step) =>
    step.kind === 'copy-table' && step.rule ? [{ table: step.table, rule: step.rule }] : [],
  );
  const tables = (is: (rule: TableRule) => boolean) =>
    ruled.filter(({ rule }) => is(rule)).map(({ table }) => displayTable(table));
  const columns = (kind: 'mask' | 'set') =>
    ruled.flatMap(({ table, rule }) =>
      Object.entries(rule.columns).flatMap(([column, how]) => (how.kind === kind ? [called(table, column)] : [])),
    );
  const carried = ruled.flatMap(({ table, rule }) =>
    (rule.carry?.columns ?? []).map((column) => called(table, column)),
  );
  return [
    line('masked', columns('mask')),
    line('set', columns('set')),
    line(
      'rewritten',
      tables((rule) => rule.rewrite.length > 0),
    ),
    line(
      'only some rows',
      tables((rule) => rule.where !== undefined),
    ),
    line(
      'empty',
      tables((rule) => rule.rows === 'empty'),
    ),
    line(
      "staging's own",
      tables((rule) => rule.rows === 'keep'),
    ),
    line(
      "merged with staging's own",
      tables((rule) => rule.rows === 'merge'),
    ),
    line("carried over from staging's rows", carried),
    ...steps.map((step) => {
      if (step.kind === 'copy-schema') return line('left out', step.skip.map(displayTable));
      if (step.kind === 'select-subset')
        return line(
          'a subset of',
          step.tables.map(({ table }) => displayTable(table)),
        );
      return undefined;
    }),
    line(
      'changed after loading by',
      steps.flatMap((step) => (step.kind === 'after-load' ? [step.name] : [])),
    ),
  ].flatMap((told) => told ?? []);
}

function called(table: TableName, column: string): string {
  return `${displayTable(table)}.${column}`;
}

/** masked: users.email, users.name and 12 more */
function line(what: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  let text = `${what}: `;
  for (const [index, name] of names.entries()) {
    const next = `${index === 0 ? '' : ', '}${name}`;
    if (index > 0 && text.length + next.length > longestLine) return `${text} and ${names.length - index} more`;
    text += next;
  }
  return text;
}
