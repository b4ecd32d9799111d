/** One way into a body: the names and numbers to follow, one after the other. */
export type JsonPath = readonly (string | number)[];

const part = /^(?:\.?([^.[\]'"]+)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\])/u;

/**
 * `total`, `page.total`, `items[0].id`, `checks['s3 images'].status`, each also with `$.` before it. A number after a dot is
 * a place in a list, or a name that happens to be one. Throws a SyntaxError that names where it ends to be one.
 */
export function readJsonPath(text: string): JsonPath {
  const steps: (string | number)[] = [];
  let rest = text.replace(/^\$(?=[.[]|$)/, '');
  if (rest === '') return steps;
  while (rest !== '') {
    const [found, name, place, single, double] = part.exec(rest) ?? [];
    const isLone = rest.startsWith('.') && steps.length === 0 && !text.startsWith('$');
    if (found === undefined || isLone)
      throw new SyntaxError(`${JSON.stringify(rest)} in ${JSON.stringify(text)} is no step of a path`);
    steps.push(place === undefined ? (name ?? single ?? double ?? '') : Number(place));
    rest = rest.slice(found.length);
    if (rest !== '' && !/^[.[]/.test(rest))
      throw new SyntaxError(`${JSON.stringify(rest)} in ${JSON.stringify(text)} is no step of a path`);
  }
  return steps;
}

/** The value there; undefined where the way leads nowhere. Only what is the body's own counts: `length` of a list too. */
export function valueAt(body: unknown, path: string): unknown {
  let value = body;
  for (const step of readJsonPath(path)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step]; // its own property
  }
  return value;
}
