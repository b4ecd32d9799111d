import { maskKind, type TableRule } from '../../postgres/rules/table-rule.ts';
import { carryText } from '../fact-words.ts';

/** What becomes of a table's rows and columns, in a few words each: no SQL. */
export function rulePhrases({ rows, where, columns, rewrite, carry }: TableRule): string[] {
  const masked = Object.entries(columns).flatMap(([name, rule]) =>
    rule.kind === 'mask' ? [`${name} (${rule.by === undefined ? maskKind(rule.mask) : `as ${rule.by}`})`] : [],
  );
  const set = Object.entries(columns).flatMap(([name, { kind }]) =>
    kind === 'set' && !carry?.columns.includes(name) ? [name] : [],
  );
  const phrases = (word: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${word} ${names.join(', ')}`];
  return [
    ...{ copy: [], empty: ['left empty'], keep: ["the target's own rows"], merge: ["the target's own rows too"] }[rows],
    ...(where === undefined ? [] : ['limited by where']),
    ...phrases('masked', masked),
    ...phrases('set', set),
    ...phrases(
      'rewritten',
      rewrite.map(({ from, to }) => `${from} to ${to}`),
    ),
    ...(carry ? [`carried ${carryText(carry)}`] : []),
  ];
}
