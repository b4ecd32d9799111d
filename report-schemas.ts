import { createGenerator, type Schema } from 'ts-json-schema-generator';

/** The JSON Schemas of what `json` writes of reports and of a plan: from their types, with what stands beside them there. */
export function reportSchemas(): Record<'report' | 'plan' | 'rollback', Record<string, unknown>> {
  const generator = createGenerator({
    path: 'src/{report/report,rollback}.ts', // which the plan is part of
    tsconfig: 'tsconfig.json',
    skipTypeCheck: true, // that is `npm run check:types`, by another TypeScript
    additionalProperties: false,
    encodeRefs: false,
  });
  const of = (type: string, title: string) => {
    const { $schema, ...rest } = generator.createSchema(type);
    return { $schema, title, ...plainlyNamed(rest) };
  };
  return {
    report: of('Report', 'What a run of restage has done: report.json'),
    plan: of('Plan', 'What a run of restage would do: plan.json'),
    rollback: of('RollbackReport', 'What restage rollback has done: report.json of a rollback'),
  };
}

/** A definition is part of an address: Outcome<"take-snapshot"> is called Outcome-take-snapshot. */
function plainlyNamed(schema: Schema): Schema {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') return plain(value);
    if (key !== 'definitions' || typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [plain(name), one]));
  });
  return JSON.parse(text) as Schema; // the same, with other names
}

function plain(name: string): string {
  return name.replaceAll('<"', '-').replaceAll('">', '');
}
