import { Ajv, type ValidateFunction } from 'ajv';
import { reportSchemas } from '../report-schemas.ts';

let compiled: Readonly<Record<'report' | 'plan' | 'rollback', ValidateFunction>> | undefined;

/** By the published schemas. They are made of the types, once for a file: that takes seconds. */
export function validators(): NonNullable<typeof compiled> {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, verbose: true });
  const made = () => {
    const { report, plan, rollback } = reportSchemas();
    return { report: ajv.compile(report), plan: ajv.compile(plan), rollback: ajv.compile(rollback) };
  };
  return (compiled ??= made());
}

/** What does not fit, in words: of the many kinds that a step might be of, what comes nearest is told. */
export function faults(kind: keyof ReturnType<typeof validators>, value: unknown): string[] {
  const validate = validators()[kind];
  if (validate(value)) return [];
  const all = (validate.errors ?? []).filter(({ keyword }) => !['const', 'anyOf', 'oneOf'].includes(keyword));
  const depth = (path: string) => path.split('/').length;
  const deepest = Math.max(...all.map(({ instancePath }) => depth(instancePath)));
  return all
    .filter(({ instancePath }) => depth(instancePath) === deepest)
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .concat('it does not fit');
}
