import type { TableName } from '../names.ts';

/**
 * Whether a name or pattern of the config is about a table: `*` for any characters, `?` for one, case as in the database; bare for the
 * schema public, else schema.table. A table's own name is always about it, whatever characters it has.
 */
export function matchesTable({ schema, name }: TableName, pattern: string): boolean {
  const full = `${schema}.${name}`;
  if (pattern === full || (schema === 'public' && pattern === name)) return true;
  if (!/[*?]/.test(pattern)) return false;
  const dot = pattern.indexOf('.');
  const [inSchema, inName] = dot === -1 ? ['public', pattern] : [pattern.slice(0, dot), pattern.slice(dot + 1)];
  return globOf(inSchema).test(schema) && globOf(inName).test(name);
}

/** A config has few patterns and a database many tables. */
const globs = new Map<string, RegExp>();

function globOf(pattern: string): RegExp {
  const known = globs.get(pattern);
  if (known) return known;
  const parts = pattern
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[\\^$.+()[\]{}|]/g, '\\$&')));
  const glob = new RegExp(`^${parts.join('')}$`, 'su');
  globs.set(pattern, glob);
  return glob;
}
