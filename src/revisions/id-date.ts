/**
 * When a migration was made, by the number that its name begins or ends with: 20251221101500, 20251221, or seconds or
 * milliseconds since 1970. Nothing where it is only a number. ISO 8601.
 */
export function dateOfId(id: string): { readonly date?: string } {
  const digits = /(?:^|\D)(\d{14}|\d{8}|\d{13}|\d{10})(?:\D|$)/.exec(id)?.[1];
  if (digits === undefined) return {};
  const date = digits.length === 13 || digits.length === 10 ? sinceEpoch(digits) : calendar(digits);
  return date === undefined ? {} : { date };
}

function sinceEpoch(digits: string): string | undefined {
  const instant = new Date(Number(digits) * (digits.length === 10 ? 1000 : 1));
  return isLikely(instant.getUTCFullYear()) ? instant.toISOString() : undefined;
}

function calendar(digits: string): string | undefined {
  const [year = '', month = '', day = '', ...time] = digits.match(/^\d{4}|\d\d/g) ?? [];
  const instant = `${year}-${month}-${day}T${[...time, '00', '00', '00'].slice(0, 3).join(':')}`;
  if (!isLikely(Number(year)) || Number.isNaN(Date.parse(`${instant}Z`))) return undefined;
  return time.length === 0 ? instant.slice(0, 10) : instant;
}

/** No tool for migrations is older, and no file comes from so far ahead. */
function isLikely(year: number): boolean {
  return year >= 2000 && year < 2100;
}
