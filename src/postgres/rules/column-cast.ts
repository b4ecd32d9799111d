import type { Column } from '../catalog.ts';

/**
 * SQL as a value of the column's type, as COPY carries it: rounded and padded as the type says, but never cut. What is too long is
 * left to the target's server, which names the column. It has the type below the column's domains: a domain's own is the same
 * to COPY, and its checks are the target's.
 */
export function castTo({ type, base, maxLength, scale }: Column, sql: string): string {
  const bare = withoutLength(base);
  const value = `(${sql}\n)::${bare}`;
  if (base === 'character' && maxLength !== undefined) return `pg_catalog.bpchar(${value}, ${maxLength + 4}, false)`;
  if (base === 'numeric' && scale !== undefined) return `pg_catalog.round(${value}, ${scale})`;
  // Rounded as the column has it; these are never cut.
  if (/^(numeric|time|timestamp|interval)\b/.test(base) && type !== base) return `(${value}::${type})::${bare}`;
  return value;
}

/** Of a bare `character` or `bit` SQL thinks that it holds one. */
export function withoutLength(base: string): string {
  return base.replace(/^character(?=$|\[)/, 'bpchar').replace(/^bit(?=$|\[)/, '"bit"');
}
