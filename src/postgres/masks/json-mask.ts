import { quoteText } from '../names.ts';
import type { Mask } from '../rules/table-rule.ts';

/** What becomes of a string and of a number in JSON: SQL of jsonb, over the value itself, "v". A null becomes JSON's null. */
export interface JsonMask {
  readonly string: string;
  readonly number: string;
  readonly boolean: string;
}

/** A place in the values of a column: its own mask, or more places below it. */
interface Place {
  mask?: JsonMask;
  readonly keys: Map<string, Place>;
  items?: Place;
}

/** The steps of `contact.email` and `orders[*].iban`: keys, and undefined for all items of an array. */
function stepsOf(path: string): readonly (string | undefined)[] | undefined {
  if (!/^(\[\*\]|[^.[\]]+)(\[\*\]|\.[^.[\]]+)*$/.test(path)) return undefined;
  return [...path.matchAll(/\[\*\]|[^.[\]]+/g)].map(([step]) => (step === '[*]' ? undefined : step));
}

/**
 * SQL of a json or jsonb column whose values at some paths are masked. `maskOf` gives each mask, or says why it is not for
 * JSON. What the config's paths do not lead to is left as it is; what stands in the way of one and is no object or array, or
 * stands at its end and is one, becomes JSON's null: nothing is let through because it has another form than was expected.
 */
export function jsonMask(
  paths: Readonly<Record<string, Mask>>,
  maskOf: (mask: Mask) => JsonMask | { readonly reason: string },
): { readonly over: (value: string) => string } | { readonly reason: string } {
  const root: Place = { keys: new Map() };
  for (const [path, mask] of Object.entries(paths)) {
    const steps = stepsOf(path);
    if (!steps) return { reason: `the path ${path} is none: write it like contact.email, orders[*].iban or [*]` };
    const made = maskOf(mask);
    if ('reason' in made) return { reason: `at ${path}: ${made.reason}` };
    let place = root;
    for (const step of steps) place = below(place, step);
    place.mask = made;
  }
  const both = Object.keys(paths).find((path) => hasMaskBelow(root, stepsOf(path) ?? []));
  if (both !== undefined) return { reason: `${both} has a mask, and so has something inside of it` };
  return { over: (value) => `(select ${masked(root)} from (select ${value} as "v" offset 0) "j")` };
}

function below(place: Place, step: string | undefined): Place {
  if (step === undefined) return (place.items ??= { keys: new Map() });
  const known = place.keys.get(step) ?? { keys: new Map() };
  place.keys.set(step, known);
  return known;
}

function hasMaskBelow(root: Place, steps: readonly (string | undefined)[]): boolean {
  const place = steps.reduce(below, root);
  return place.keys.size > 0 || place.items !== undefined;
}

/** SQL of the value "v" with what is masked in it. */
function masked({ mask, keys, items }: Place): string {
  if (mask)
    return `case jsonb_typeof("v") when 'null' then "v"
      when 'string' then coalesce(${mask.string}, 'null'::jsonb)
      when 'number' then coalesce(${mask.number}, 'null'::jsonb)
      when 'boolean' then coalesce(${mask.boolean}, 'null'::jsonb)
      else 'null'::jsonb end`;
  const inKeys = [...keys].map(([key, place]) => `when ${quoteText(key)} then ${masked(place)}`);
  const names = [...keys.keys()].map((key) => quoteText(key));
  const object =
    keys.size === 0
      ? ''
      : `when 'object' then "v" || (
          select coalesce(jsonb_object_agg("k", case "k" ${inKeys.join('\n')} end), '{}')
            from jsonb_each("v") as "each"("k", "v") where "k" in (${names.join(', ')}))`;
  const array =
    items === undefined
      ? ''
      : `when 'array' then (
          select coalesce(jsonb_agg(${masked(items)} order by "n"), '[]')
            from jsonb_array_elements("v") with ordinality as "each"("v", "n"))`;
  return `case jsonb_typeof("v") when 'null' then "v" ${object} ${array} else 'null'::jsonb end`;
}

const high = String.raw`\\u[dD][89abAB][0-9a-fA-F]{2}`;
const low = String.raw`\\u[dD][c-fC-F][0-9a-fA-F]{2}`;
/** What json holds as it was written, and jsonb refuses: the zero character, and one half of a pair without the other. */
const refused = String.raw`\\u0000|${high}(?!${low})|(?<!${high})${low}`;

/** SQL of a json column as jsonb; a question mark stands for what jsonb does not hold. */
export function asJsonb(name: string): string {
  const text = `${name}::text`;
  // As an escape again: behind a backslash of its own it must be one as well.
  return `(case when strpos(${text}, E'\\\\u') > 0
      then regexp_replace(${text}, ${quoteText(refused)}, E'\\\\\\\\u003f', 'g') else ${text} end)::jsonb`;
}
