import type { Column } from '../catalog.ts';
import { bitsOf } from './digits.ts';
import type { NumberFamily } from './shape.ts';

const bounds = {
  smallint: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  // The last that a float8 below the bigints' end can be.
  bigint: ['-9223372036854774784', '9223372036854774784'],
} as const;

/** SQL of a number from -noise to +noise, as a share of 1. */
function share(hash: string, noisePercent: number, type: string): string {
  return `'${noisePercent / 100}'::${type} * (${bitsOf(hash, 24)} - 8388608) / 8388608`;
}

/**
 * SQL of a number, moved by so many percent at most: its sign stays, and what is no number, and its number of decimals; it
 * stays within what the type holds.
 */
export function noisy(value: string, hash: string, noisePercent: number, family: NumberFamily, column: Column): string {
  switch (family) {
    case 'smallint':
    case 'integer':
    case 'bigint': {
      const [least, most] = bounds[family];
      const sum = `round(${value} * (1 + ${share(hash, noisePercent, 'float8')}))`;
      return `greatest(least(${sum}, '${most}'::float8), '${least}'::float8)::${family}`;
    }
    case 'numeric': {
      const { precision, scale } = column;
      const decimals = precision === undefined ? `scale(${value})` : String(scale ?? 0);
      const sum = `round(${value} * (1 + ${share(hash, noisePercent, 'numeric')}), ${decimals})`;
      const most = precision === undefined ? undefined : `${'9'.repeat(precision)}e${-(scale ?? 0)}`;
      return `case when ${value} in ('NaN', 'Infinity', '-Infinity') then ${value}
         else ${most === undefined ? sum : `greatest(least(${sum}, '${most}'), '-${most}')`} end`;
    }
    case 'float': {
      const [tiny, huge] = column.base === 'real' ? ['1e-36', '1e38'] : ['1e-300', '1e307'];
      const by = share(hash, noisePercent, 'float8');
      // Nothing may get too large for the type, nor so small that it would be an error to round it to zero.
      return `case when ${value} = 'NaN' or abs(${value}) = 'Infinity' then ${value}
         when abs(${value}) < '${tiny}' then 0
         when abs(${value}) > '${huge}' then ${value} * (1 - abs(${by}))
         else ${value} * (1 + ${by}) end`;
    }
  }
}
