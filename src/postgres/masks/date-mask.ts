import { bitsOf } from './digits.ts';

/** How many days either way, at most: what is a date must stay one. */
export const mostDays = 36_500;

/** SQL of how many days a row's dates move. */
export function daysOf(hash: string, most: number): string {
  return `(${bitsOf(hash, 24)} % ${2 * most + 1} - ${most})`;
}

/**
 * SQL of a date or timestamp, moved. Infinity stays. What lies at the very ends of what the type holds, and is no date of
 * anybody's, moves away from them.
 */
export function moved(value: string, days: string, isDate: boolean): string {
  const step = isDate ? '' : ` * interval '1 day'`;
  return `${value} + (case when ${value} < '4000-01-01 BC' then abs(${days})
         when ${value} > '200000-01-01' then - abs(${days}) else ${days} end)${step}`;
}

const pattern = String.raw`^[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]([T ][0-9:.,]*(Z|[+-][0-9:]+)?)?$`;

/** SQL of a date written as ISO 8601 has it, moved; the time of day stays as it is. Null for anything else. */
export function movedText(value: string, days: string): string {
  // From the first of the month on: it may be the 31st of a month that has none.
  const first = `(left(${value}, 8) || '01')::date`;
  const day = `substr(${value}, 9, 2)::integer - 1`;
  return `case when ${value} ~ '${pattern}' and left(${value}, 4) between '1000' and '9800'
         then to_char(${first} + ${day} + ${days}, 'YYYY-MM-DD') || substr(${value}, 11) end`;
}
