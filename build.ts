// The package as it is published: compiled sources, the example's configuration, the JSON Schema of restage.yaml.
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { configSchema } from './src/config-keys.ts';

rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
copyFileSync('examples/bluemoxon/restage.yaml', 'dist/examples/bluemoxon/restage.yaml');
writeFileSync('dist/schema.json', `${JSON.stringify(configSchema(), null, 2)}\n`);
