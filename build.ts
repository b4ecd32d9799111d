// The package as it is published: compiled sources, the example's configuration and migrations, the JSON Schemas of restage.yaml,
// reports, plans and rollbacks, and the function as it runs in AWS.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { buildFunction } from './build-function.ts';
import { reportSchemas } from './report-schemas.ts';
import { configSchema } from './src/config-keys.ts';

rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
copyFileSync('examples/bluemoxon/restage.yaml', 'dist/examples/bluemoxon/restage.yaml');
cpSync('examples/bluemoxon/alembic', 'dist/examples/bluemoxon/alembic', { recursive: true });
const { report, plan, rollback } = reportSchemas();
const schemas = {
  schema: configSchema(),
  'report.schema': report,
  'plan.schema': plan,
  'rollback.schema': rollback,
};
for (const [name, schema] of Object.entries(schemas))
  writeFileSync(`dist/${name}.json`, `${JSON.stringify(schema, null, 1)}\n`);
await buildFunction('dist/function');
