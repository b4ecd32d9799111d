/**
 * A number however it is written: APIs tell large ones as text, lest JavaScript rounds them, and 153 is the same figure as
 * "153". Undefined for what is none, or too large for any.
 */
export function figureOf(value: unknown): number | undefined {
  const isWritten = typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value);
  const figure = isWritten ? Number(value) : value;
  return typeof figure === 'number' && Number.isFinite(figure) ? figure : undefined;
}

/** Whether two values of answers are the same: figures as figures, everything else as JSON. */
export function isSameFigure(one: unknown, other: unknown): boolean {
  // What is too large for a number has lost all its digits; as JSON it would be null.
  if (one === Infinity || one === -Infinity || other === Infinity || other === -Infinity) return false;
  if (JSON.stringify(one) === JSON.stringify(other)) return true;
  const [a, b] = [figureOf(one), figureOf(other)];
  if (a === undefined || b === undefined || a !== b) return false;
  // Beyond what a number holds the digits themselves count.
  return Math.abs(a) <= Number.MAX_SAFE_INTEGER || digitsOf(one) === digitsOf(other);
}

function digitsOf(value: unknown): string {
  return typeof value === 'number' ? BigInt(value).toString() : String(value).replace(/^(-?)0+(?=\d)/, '$1');
}

/** Whether a figure lies between two others; of what a number cannot hold exactly, none does. */
export function isBetween(value: unknown, one: unknown, other: unknown): boolean {
  const [at, from, to] = [figureOf(value), figureOf(one), figureOf(other)];
  if (at === undefined || from === undefined || to === undefined || Math.abs(at) > Number.MAX_SAFE_INTEGER)
    return false;
  return at >= Math.min(from, to) && at <= Math.max(from, to);
}
