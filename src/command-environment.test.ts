import { describe, expect, test } from 'vitest';
import { commandEnvironment } from './command-environment.ts';

const to = {
  host: 'staging.db.example',
  port: 5433,
  database: 'Sta ging%__incoming_1',
  user: "re'fresher",
  password: 'p@ss/w:r%d ü',
  application: 'restage 1 migrate-incoming',
};
const forbidden = { hosts: ['prod.db.example'], passwords: ['the password of production', to.password] };

const environment = (
  inherited: Readonly<Record<string, string | undefined>> = {},
  own: Readonly<Record<string, string>> = {},
  more: Partial<Parameters<typeof commandEnvironment>[2]> = {},
) => commandEnvironment(inherited, own, { ...to, ...more }, forbidden);

test('every part of the address can be read from DATABASE_URL again, and from the variables of libpq', () => {
  const env = environment();
  const url = new URL(env['DATABASE_URL'] ?? '');
  expect([url.protocol, url.host]).toEqual(['postgresql:', 'staging.db.example:5433']);
  expect([url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent)).toEqual([
    to.user,
    to.password,
    to.database,
  ]);
  expect(url.searchParams.get('sslmode')).toBe('disable');
  expect(env).toMatchObject({
    PGHOST: to.host,
    PGPORT: '5433',
    PGDATABASE: to.database,
    PGUSER: to.user,
    PGPASSWORD: to.password,
    PGSSLMODE: 'disable',
    PGAPPNAME: to.application,
  });
});

test('a token of IAM stays whole: what is encoded in it is encoded once more in the URL', () => {
  const password = 'db.example:5433/?Action=connect&DBUser=ann&X-Amz-Credential=AKIA%2F20260101%2Frds-db';
  const env = environment({}, {}, { password });
  expect(env['PGPASSWORD']).toBe(password);
  const url = new URL(env['DATABASE_URL'] ?? '');
  expect([decodeURIComponent(url.password), url.host]).toEqual([password, 'staging.db.example:5433']);
  expect(url.password).toMatch(/^db\.example%3A5433%2F%3FAction%3Dconnect%26.*%252Frds-db$/);
});

test('an address of IPv6 stands in brackets in the URL only', () => {
  const env = environment({}, {}, { host: '::1' });
  expect(env['DATABASE_URL']).toContain('@[::1]:5433/');
  expect(env['PGHOST']).toBe('::1');
});

test("through a tunnel the database's own name is verified, at this machine's port", () => {
  const env = environment({}, {}, { tunnelPort: 6543, certificates: '/tmp/a b.pem' });
  expect(env).toMatchObject({
    PGHOST: to.host,
    PGHOSTADDR: '127.0.0.1',
    PGPORT: '6543',
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: '/tmp/a b.pem',
  });
  expect(env['DATABASE_URL']).toContain(
    '@staging.db.example:6543/Sta%20ging%25__incoming_1?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=%2Ftmp%2Fa%20b.pem',
  );
});

test('through a tunnel without TLS the host is this machine', () => {
  const env = environment({}, {}, { tunnelPort: 6543 });
  expect([env['PGHOST'], env['PGHOSTADDR'], env['PGPORT']]).toEqual(['127.0.0.1', undefined, '6543']);
  expect(env['DATABASE_URL']).toContain('@127.0.0.1:6543/');
});

describe('of what is inherited nothing is left that leads to another database', () => {
  test.each([
    ['PGSERVICE', 'production'],
    ['PGSERVICEFILE', '/srv/services'],
    ['PGPASSFILE', '/srv/passwords'],
    ['PGHOSTADDR', '10.0.0.1'],
    ['PGOPTIONS', '-c search_path=elsewhere'],
    ['PGTARGETSESSIONATTRS', 'standby'],
    ['PGSYSCONFDIR', '/etc/elsewhere'],
    ['SQLALCHEMY_DATABASE_URI', 'postgresql+psycopg2://u:p@elsewhere/db'],
    ['QUOTED', '"postgres://u:p@elsewhere/db"'],
    ['DATABASES', '{"default": "postgresql://u:p@elsewhere/db"}'],
    ['JDBC_URL', 'jdbc:aws-wrapper:postgresql://elsewhere/db'],
    ['ECTO', 'ecto://u:p@elsewhere/db'],
    ['MIGRATE_URL', 'pgx5://u:p@elsewhere/db'],
    ['OTHER_CASE', 'PROD.DB.Example'],
    ['DIRECT_URL', 'postgres://elsewhere/db'],
    ['SPRING_DATASOURCE_URL', 'jdbc:postgresql://elsewhere/db'],
    ['GOOSE_DBSTRING', 'host=elsewhere dbname=db'],
    ['ConnectionStrings__Default', 'Host=elsewhere;Port=5432;Database=db;Username=u'],
    ['DB_HOST', 'prod.db.example'],
    ['ANOTHER', 'tcp://prod.db.example:5432'],
    ['PROD_PASSWORD', 'the password of production'],
  ])('%s', (name, value) => {
    expect(environment({ [name]: value })).not.toHaveProperty(name);
  });

  test('DATABASE_URL is another one', () => {
    const env = environment({ DATABASE_URL: 'postgres://prod.db.example/live', database_url: 'x' });
    expect(env['DATABASE_URL']).toContain('__incoming_1');
    expect(env).not.toHaveProperty('database_url');
  });
});

test('the rest of it is there, and what the command is given goes before it', () => {
  const inherited = { PATH: '/bin', HOME: '/root', LANG: 'C', MODE: 'inherited', NOTHING: undefined };
  const env = environment(inherited, { MODE: 'given', REPLICA_URL: 'postgres://meant/so' });
  expect(env).toMatchObject({
    PATH: '/bin',
    HOME: '/root',
    LANG: 'C',
    MODE: 'given',
    REPLICA_URL: 'postgres://meant/so',
  });
  expect(env).not.toHaveProperty('NOTHING');
});

test('what a command is given leads to no other database either: that is set here', () => {
  const env = environment({}, { PGSERVICE: 'production', PGHOSTADDR: '10.0.0.1', Database_Url: 'x' });
  for (const name of ['PGSERVICE', 'PGHOSTADDR', 'Database_Url']) expect(env).not.toHaveProperty(name);
});
