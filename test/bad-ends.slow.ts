import { createServer } from 'node:net';
import { once } from 'node:events';
import type { Document } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Refusal, requireRefusal } from './refusal.ts';
import { type Scene, startScene } from './scene.ts';
import { openSession } from './sql.ts';

// The configuration is well formed, and an end is not what it says.
let scene: Scene;
let secrets = 0;

beforeAll(async () => {
  scene = await startScene();
});
beforeEach(() => scene.environment.aws.clearFaults());
afterAll(() => scene[Symbol.asyncDispose]());

async function requireRefused(change: (config: Document) => void, refusal: Refusal): Promise<void> {
  await requireRefusal(scene, ['--config', await scene.configure(change)], refusal);
}

type Login = Readonly<Record<'username' | 'password' | 'host' | 'port' | 'database', string | number>>;

/** A configuration whose target logs in otherwise: the login of staging with some fields changed, in a secret of its own. */
async function requireLoginRefused(change: Partial<Login>, refusal: Refusal): Promise<void> {
  const { username, password, hostname: host, port } = new URL(scene.environment.target.databaseUrl);
  const login: Login = { username, password, host, port: Number(port), database: 'bluemoxon_staging', ...change };
  const name = await putSecret(JSON.stringify(login));
  await requireRefused((config) => config.setIn(['target', 'database', 'secret'], name), refusal);
}

async function putSecret(value: string): Promise<string> {
  const name = `test/${(secrets += 1)}`;
  await scene.environment.aws.putSecret({ name, account: '222222222222', value });
  return name;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

describe('the account', () => {
  test('a profile that does not exist is named with the near one', () =>
    requireRefused((config) => config.setIn(['target', 'aws', 'profile'], 'staging'), {
      code: 'profile-missing',
      says: ['there is no AWS profile staging'],
      hints: /Did you mean bmx-staging\? .*bmx-prod/,
    }));

  test('a profile of another account is refused, and both accounts are named', () =>
    requireRefused((config) => config.setIn(['target', 'aws', 'profile'], 'bmx-prod'), {
      code: 'account-mismatch',
      says: ['bmx-prod', '111111111111', '222222222222'],
      hints: 'arn:aws:iam::111111111111',
    }));

  test('--yes is not enough where nothing says which account it must be, before the profile is looked at', () =>
    requireRefused(
      (config) => {
        config.deleteIn(['target', 'aws', 'account']);
        config.deleteIn(['target', 'aws', 'endpoints', 's3']);
        config.setIn(['target', 'aws', 'profile'], 'nobody');
      },
      { code: 'not-confirmed', says: ['S3 is not on this machine', 'target.aws.account'], hints: 'restage check' },
    ));

  test('--yes is not enough where a secret leads elsewhere, and the account that was found is told', async () => {
    const name = await putSecret('{"username": "a", "password": "b", "host": "db.invalid", "dbname": "staging"}');
    await requireRefused(
      (config) => {
        config.deleteIn(['target', 'aws', 'account']);
        config.setIn(['target', 'database', 'secret'], name);
      },
      { code: 'not-confirmed', says: ['the database host db.invalid'], hints: 'account: "222222222222"' },
    );
  });

  test('a secret that does not exist is named with the near one', () =>
    requireRefused((config) => config.setIn(['target', 'database', 'secret'], 'bluemoxon-staging/db'), {
      code: 'secret-missing',
      says: ['the secret bluemoxon-staging/db (account 222222222222, us-west-2) does not exist'],
      hints: 'bluemoxon-staging/database',
    }));

  test('a secret that may not be read is named', async () => {
    const match = { operation: 'GetSecretValue', account: '222222222222' };
    const message = 'not authorized to perform: secretsmanager:GetSecretValue';
    await scene.environment.aws.inject({ match, kind: 'error', status: 400, code: 'AccessDeniedException', message });
    await requireRefused(() => undefined, {
      code: 'secret-denied',
      says: ['bluemoxon-staging/database', message],
      hints: 'bmx-staging needs secretsmanager:GetSecretValue',
    });
  });

  test('a secret without a password is named', async () => {
    const name = await putSecret('{"username": "bluemoxon_staging", "host": "127.0.0.1"}');
    await requireRefused((config) => config.setIn(['target', 'database', 'secret'], name), {
      code: 'secret-invalid',
      says: [`the secret ${name} (account 222222222222`, 'holds no password'],
      hints: '"password"',
    });
  });
});

describe('an identifier', () => {
  /** The login of staging as RDS's own secrets have it, and the server by the name that RDS has for it. */
  const byIdentifier = async (identifier: string) => {
    const { username, password } = new URL(scene.environment.target.databaseUrl);
    const secret = await putSecret(JSON.stringify({ username, password }));
    return (config: Document) =>
      config.setIn(['target', 'database'], config.createNode({ secret, identifier, database: 'bluemoxon_staging' }));
  };

  test('takes the place of a host', async () => {
    const file = await scene.configure(await byIdentifier('bluemoxon-staging-db'));
    const { code, stdout } = await scene.restage('plan', '--json', '--config', file);
    const { port } = scene.environment.target.postgres;
    expect([code, stdout]).toEqual([0, expect.stringContaining(`"port": ${port},`)]);
  });

  test('that RDS does not know is named with the near one', async () =>
    requireRefused(await byIdentifier('bluemoxon-staging'), {
      code: 'identifier-missing',
      says: ['RDS has no instance and no cluster bluemoxon-staging (account 222222222222, us-west-2)'],
      hints: 'The account has bluemoxon-staging-db',
    }));
});

describe('the database', () => {
  test('a closed port is named', async () => {
    const port = await closedPort();
    const says = [`cannot reach bluemoxon_staging at 127.0.0.1:${port} as bluemoxon_staging: connect ECONNREFUSED`];
    await requireLoginRefused({ port }, { code: 'database-unreachable', says, hints: `port ${port}` });
  });

  test('a wrong password is said, and not shown', () =>
    requireLoginRefused(
      { password: 'not-the-password' },
      {
        code: 'database-login',
        says: [/login refused for bluemoxon_staging at 127\.0\.0\.1:\d+ as bluemoxon_staging/],
        hints: 'password',
      },
    ));

  test('a database that does not exist is named', () =>
    requireLoginRefused(
      { database: 'bluemoxon_stagging' },
      {
        code: 'database-missing',
        says: [/there is no database bluemoxon_stagging at 127\.0\.0\.1:\d+/],
        hints: 'name',
      },
    ));

  test('a role that may not create databases is named with the statement that lets it', async () => {
    await scene.onTarget('alter role bluemoxon_staging nocreatedb');
    try {
      await requireRefused(() => undefined, {
        code: 'database-unfit',
        says: [/bluemoxon_staging at 127\.0\.0\.1:\d+ may not create databases/],
        hints: 'alter role "bluemoxon_staging" createdb',
      });
    } finally {
      await scene.onTarget('alter role bluemoxon_staging createdb');
    }
  });

  test('a role that does not own the database is named with the owner', async () => {
    await scene.onTarget('alter database bluemoxon_staging owner to postgres');
    try {
      await requireRefused(() => undefined, {
        code: 'database-unfit',
        says: ['does not own bluemoxon_staging, postgres does'],
        hints: 'alter database "bluemoxon_staging" owner to "bluemoxon_staging"',
      });
    } finally {
      await scene.onTarget('alter database bluemoxon_staging owner to bluemoxon_staging');
    }
  });
});

describe('both ends the same', () => {
  /** Production under its other name. */
  const production = () => {
    const { username, password, port } = new URL(scene.environment.source.databaseUrl);
    return { username, password, host: 'localhost', port: Number(port), database: 'bluemoxon' };
  };
  const refusal: Refusal = { code: 'target-is-source', says: ['same database', 'localhost', 'bluemoxon'] };

  async function asCreator(work: () => Promise<void>): Promise<void> {
    await using admin = await openSession(scene.environment.source.postgres.adminUrl('bluemoxon'));
    await admin.query('alter role bluemoxon createdb');
    try {
      await work();
    } finally {
      await admin.query(`alter role bluemoxon nocreatedb; grant execute on function pg_control_system() to public`);
    }
  }

  test('one database by one name is refused', () =>
    requireLoginRefused(
      { ...production(), host: '127.0.0.1' },
      { code: 'target-is-source', says: ['127.0.0.1', 'bluemoxon'], hints: 'secret' },
    ));

  test('one database by two names is refused', () => asCreator(() => requireLoginRefused(production(), refusal)));

  test('one database by two names is refused for that, and not for what its role lacks to be swapped', () =>
    requireLoginRefused(production(), refusal));

  test('one database by two names is refused where the server keeps its identity to itself', () =>
    asCreator(async () => {
      await using admin = await openSession(scene.environment.source.postgres.adminUrl('bluemoxon'));
      await admin.query('revoke execute on function pg_control_system() from public');
      await requireLoginRefused(production(), refusal);
    }));

  test('one bucket is refused', () =>
    requireRefused((config) => config.setIn(['target', 'buckets', 'images'], 'bluemoxon-images'), {
      code: 'target-is-source',
      says: ['target.buckets.images', 'bluemoxon-images'],
    }));
});

describe('the bucket', () => {
  test('a bucket that does not exist is named with the near one', () =>
    requireRefused((config) => config.setIn(['target', 'buckets', 'images'], 'bluemoxon-images-stagin'), {
      code: 'bucket-missing',
      says: ['there is no bucket bluemoxon-images-stagin'],
      hints: 'bluemoxon-images-staging',
    }));

  test('a bucket of another account is named', async () => {
    await scene.environment.aws.createBucket({ name: 'of-somebody-else', account: '111111111111' });
    await requireRefused((config) => config.setIn(['target', 'buckets', 'images'], 'of-somebody-else'), {
      code: 'bucket-denied',
      says: ['cannot list of-somebody-else (account 222222222222)', 'AccessDenied'],
      hints: /bmx-staging|s3:ListBucket/,
    });
  });
});

describe('the application', () => {
  test('a staging that is down is named', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/api/v1`;
    await requireRefused((config) => config.setIn(['target', 'app', 'url'], url), {
      code: 'app-unreachable',
      says: [`GET ${url}/health/version cannot be reached: connect ECONNREFUSED`],
      hints: 'URL',
    });
  });

  test('the application of another environment is refused', () =>
    requireRefused((config) => config.setIn(['source', 'app', 'url'], scene.environment.target.app.url), {
      code: 'app-unexpected',
      says: [`${scene.environment.target.app.url} says that its environment is staging, not production`],
      hints: 'another environment',
    }));

  test('the application of production is none of a target, whatever else it should be', () =>
    requireRefused((config) => config.setIn(['target', 'app', 'url'], scene.environment.source.app.url), {
      code: 'ends-swapped',
      says: [`the environment of ${scene.environment.source.app.url} is production`],
      hints: 'wrong way round',
    }));

  test('an address that is no API is named', () =>
    requireRefused((config) => config.setIn(['target', 'app', 'url'], scene.environment.aws.endpoint), {
      code: 'app-unexpected',
      says: ['/health/version answered HTTP'],
    }));
});
