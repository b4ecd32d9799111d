import type { Drift } from '../postgres/drift/drift.ts';
import { count, counted } from './format.ts';
import type { Style } from './style.ts';

/** How both schemas differ, in a few lines for a plan; nothing where they do not. */
export function driftLines(drift: Drift | undefined, style: Style): string[] {
  if (!drift || drift.differences.length === 0) return [];
  return [
    style('strong', 'schema drift'),
    ...driftWords(drift).map((line) => `  ${line}`),
    '  restage drift shows each of them',
    '',
  ];
}

/** How many differ of which kind, and a few by name. */
export function driftWords({ differences, objects }: Drift): string[] {
  const kinds = [...Map.groupBy(differences, ({ kind }) => kind)].map(([kind, some]) =>
    counted(some.length, kind, pluralOf(kind)),
  );
  const names = differences.slice(0, 5).map(({ kind, name }) => `${kind} ${name}`);
  const more = differences.length - names.length;
  return [
    `${count(differences.length)} of ${counted(objects, 'object')} differ: ${kinds.join(', ')}`,
    `e.g. ${names.join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`,
  ];
}

function pluralOf(kind: string): string {
  if (kind.endsWith('y')) return `${kind.slice(0, -1)}ies`;
  return /(x|s)$/.test(kind) ? `${kind}es` : `${kind}s`;
}
