import { expect, test } from 'vitest';
import { redact } from '../errors.ts';
import { readDatabase } from './database-answer.ts';

test('a name is a secret’s, an ARN too', () => {
  expect(readDatabase('bluemoxon/db-credentials', 'source')).toEqual({
    database: { secret: 'bluemoxon/db-credentials' },
  });
  const arn = 'arn:aws:secretsmanager:us-west-2:111111111111:secret:bluemoxon-AbCdEf';
  expect(readDatabase(arn, 'source')).toEqual({ database: { secret: arn } });
});

test('the password of a URL goes into a variable, and is never shown from then on', () => {
  const answer = readDatabase('postgres://reader:s3cr%40t-word@db.example.com:6432/shop', 'source');
  expect(answer).toEqual({
    database: {
      host: 'db.example.com',
      port: 6432,
      database: 'shop',
      user: 'reader',
      passwordEnv: 'SOURCE_DATABASE_PASSWORD',
    },
    variable: { name: 'SOURCE_DATABASE_PASSWORD', value: 's3cr@t-word' },
  });
  expect(redact('it is s3cr@t-word')).toBe('it is ***');
});

test('a URL without a password names the variable that will hold it', () => {
  expect(readDatabase('postgresql://reader@[::1]/shop', 'target')).toEqual({
    database: {
      host: '::1',
      port: 5432,
      database: 'shop',
      user: 'reader',
      passwordEnv: 'TARGET_DATABASE_PASSWORD',
    },
    variable: { name: 'TARGET_DATABASE_PASSWORD', value: undefined },
  });
});

test('an identifier of RDS goes with a token of IAM, or with a password', () => {
  expect(readDatabase('rds://reader@shop-cluster/shop', 'source').database).toEqual({
    identifier: 'shop-cluster',
    database: 'shop',
    user: 'reader',
    auth: 'iam',
  });
  expect(readDatabase('rds://reader:a-password@shop-cluster/shop', 'source')).toEqual({
    database: {
      identifier: 'shop-cluster',
      database: 'shop',
      user: 'reader',
      passwordEnv: 'SOURCE_DATABASE_PASSWORD',
    },
    variable: { name: 'SOURCE_DATABASE_PASSWORD', value: 'a-password' },
  });
});

test('a variable that holds a URL stays a variable', () => {
  expect(readDatabase('${STAGING_URL}', 'target')).toEqual({
    database: { url: '${STAGING_URL}' },
    variable: { name: 'STAGING_URL', value: undefined },
  });
});

test('what stands after ? is told where it is left out', () => {
  expect(readDatabase('postgres://u@h/d?sslmode=disable', 'target')).toMatchObject({ database: { tls: 'disable' } });
  const { database, note } = readDatabase('postgres://u@h/d?sslmode=require&options=-csearch_path%3Dx', 'target');
  expect(database).not.toHaveProperty('tls');
  expect(note).toBe("left out of the database's URL: sslmode (TLS is always verified in full), options");
});

test.each([
  'postgres://host/database',
  'postgres://user:pass@word@/database',
  'postgres://user:50%-off@host/database',
  'postgres://user:hidden-word@host',
  'mysql://user:hidden-word@host/database',
])('%s is refused without showing what may be a password', (url) => {
  expect(() => readDatabase(url, 'target')).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(() => readDatabase(url, 'target')).not.toThrow(/hidden-word|50%|pass/);
});
