import { redact, RestageError } from './errors.ts';
import type { Plan } from './plan.ts';

/** What stands where a secret was. */
export const blank = '***';

/**
 * A plan as it was before it was written without its secrets: each text in which one is blotted out is that of the same name in what
 * the plan was made from. Throws `pause-lost` where there is none such, or several.
 */
export function unredacted(plan: Plan, from: unknown): Plan {
  /** By what it looks like without its secrets. */
  const known = new Map<string, { readonly name: string; readonly text: string }[]>();
  walk(from, '', (name, text) => {
    const told = redact(text);
    if (told.includes(blank)) known.set(told, [...(known.get(told) ?? []), { name, text }]);
  });
  const original = (id: string, name: string, text: string): string => {
    if (!text.includes(blank)) return text;
    const found = known.get(text) ?? [];
    const alike = found.filter((one) => one.name === name);
    const texts = new Set((alike.length > 0 ? alike : found).map((one) => one.text));
    const [only] = texts;
    if (only !== undefined && texts.size === 1) return only;
    throw new RestageError(
      'pause-lost',
      `${id}: ${texts.size === 0 ? 'the configuration does not say' : 'it cannot be told from the configuration'} what ${name} held when the run began`,
      { hint: 'Begin a new run.' },
    );
  };
  const steps = plan.steps.map((step) => rewritten(step, '', (name, text) => original(step.id, name, text)));
  return { ...plan, steps: steps as Plan['steps'] }; // the same, but for texts
}

function walk(value: unknown, name: string, tell: (name: string, text: string) => void): void {
  if (typeof value === 'string') tell(name, value);
  else if (Array.isArray(value)) for (const one of value) walk(one, name, tell);
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) walk(one, key, tell);
}

function rewritten(value: unknown, name: string, text: (name: string, text: string) => string): unknown {
  if (typeof value === 'string') return text(name, value);
  if (Array.isArray(value)) return value.map((one) => rewritten(one, name, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rewritten(one, key, text)]));
}
