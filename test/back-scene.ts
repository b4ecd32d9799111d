import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { type CloneScene, startCloneScene } from './clone-scene.ts';
import { query } from './sql.ts';

/** A clone scene whose target has an application: it says what stands in the table `verdict` of its database. */
export interface BackScene extends CloneScene {
  /** A configuration with the application, its health looked at for a second. */
  withApp(database?: Readonly<Record<string, unknown>>, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** What the application says instead, for all of its answers; undefined: what the database holds, and `staging`. */
  app: { says: string | undefined; environment?: string | undefined };
}

/** Production's rows, and the verdict that its application has of them. */
export function production(page: string, verdict: string): string {
  return `
    create table books (id integer primary key, page text);
    insert into books select id, '${page}' || id from generate_series(1, 50) id;
    create table alembic_version (version_num text primary key);
    insert into alembic_version values ('${page}-head');
    create table verdict (word text); insert into verdict values ('${verdict}')`;
}

export async function startBackScene(): Promise<BackScene> {
  const scene = await startCloneScene();
  const app: BackScene['app'] = { says: undefined };
  const server = createServer((request, response) => {
    const answer = async () => {
      const word = app.says ?? (await query(scene.target.adminUrl('staging'), 'select word from verdict'))[0]?.['word'];
      return {
        status: word ?? 'unknown',
        version: '1.4.0',
        git_sha: '6575f61',
        environment: app.environment ?? 'staging',
      };
    };
    void answer()
      .catch((error: unknown) => ({ status: 'unhealthy', error: String(error) }))
      .then((body) => response.end(JSON.stringify(body)));
    request.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  return {
    ...scene,
    app,
    withApp: async (database = {}, more = {}) => {
      const file = await scene.configure({
        database,
        verify: { health: { path: '/health', expect: { status: 'healthy' }, withinSeconds: 1 } },
      });
      const document = parseDocument(await readFile(file, 'utf8'));
      document.setIn(['target', 'app'], document.createNode({ url, environment: 'staging' }));
      for (const [key, value] of Object.entries(more)) document.setIn(key.split('.'), value);
      await writeFile(file, document.toString());
      return file;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await scene[Symbol.asyncDispose]();
    },
  };
}
