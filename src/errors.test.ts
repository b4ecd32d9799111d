import { expect, test } from 'vitest';
import { exitCodes, failureOf, keepSecret, redact, RestageError, traceOf } from './errors.ts';

test('a remembered secret is in no message, hint or failure, plain or percent-encoded', () => {
  keepSecret('tiger & lily');
  const error = new RestageError('internal', 'refused: tiger & lily', { hint: 'see ?key=tiger%20%26%20lily' });
  expect(failureOf(error)).toEqual({ code: 'internal', message: 'refused: ***', hint: 'see ?key=***' });
  expect(failureOf(new Error('with tiger & lily'))).toEqual({ code: 'internal', message: 'with ***' });
  expect(failureOf('tiger & lily').message).toBe('***');
});

test('the password of a URL is hidden though nobody remembered it', () => {
  expect(redact('postgresql://app:swordfish@db:5432/x and https://u:p4ss@h/')).toBe(
    'postgresql://app:***@db:5432/x and https://u:***@h/',
  );
});

test('what only looks like a password stays readable', () => {
  const text = 'http://127.0.0.1:7480/bucket, a@b.example, s3://bucket/key@2x.png, 12:30:00 @ noon';
  expect(redact(text)).toBe(text);
});

test('no part of a password with an @ is left in its URL', () => {
  expect(redact('postgres://app:sword@fish@db/x')).toBe('postgres://app:***@db/x');
});

test('a remembered password with an @ leaves nothing of itself in a URL', () => {
  keepSecret('octopus@garden');
  expect(redact('cannot reach postgres://app:octopus@garden@db/x')).not.toContain('garden');
});

test('of two secrets one of which begins the other, nothing is left of either', () => {
  keepSecret('marble');
  keepSecret('marble-cake');
  expect(redact('marble-cake')).toBe('***');
});

test('a word too short to be a secret does not blank out the text', () => {
  keepSecret('db');
  expect(redact('the db of dbserver')).toBe('the db of dbserver');
});

test('the cause is kept, and the exit code follows from the code', () => {
  const cause = new Error('socket');
  const error = new RestageError('target-is-source', 'same', { cause });
  expect([error.cause, error.exitCode]).toEqual([cause, exitCodes['target-is-source']]);
  expect(exitCodes).toMatchObject({ interrupted: 130, 'target-is-source': 3, 'config-invalid': 2, 'schema-failed': 1 });
});

test('a secret of special characters is hidden in every form that it may be met in', () => {
  const secret = `p@ss w%rd/'"\\!é`;
  keepSecret(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ secret }).toString().slice('secret='.length),
    JSON.stringify({ secret }).slice('{"secret":"'.length, -'"}'.length),
    `'${secret.replaceAll("'", "''")}'`,
    Buffer.from(secret).toString('base64'),
  ];
  for (const form of forms) expect(redact(`it is ${form}.`), form).toMatch(/^it is '?\*\*\*'?\.$/);
});

test('a password too short to be remembered is hidden where it is told to be one', () => {
  keepSecret('abc');
  const told = [
    'postgres://app:abc@db/x',
    'host=db password=abc dbname=x',
    `host=db password='a bc' dbname=x`,
    `alter role app password 'abc'`,
    `update settings set smtp_password = 'abc'`,
  ];
  for (const text of told) expect(redact(text)).not.toMatch(/abc|a bc/);
  expect(redact(`alter role app password '…'`)).toBe(`alter role app password '…'`); // a hint's, to be filled in
  expect(redact('the user and password of abc: source.database.passwordEnv is missing')).toBe(
    'the user and password of abc: source.database.passwordEnv is missing',
  );
});

test('the trace of an error has every stack and no property, no secret, no value of a row', () => {
  keepSecret('clownfish');
  const refusal = Object.assign(new Error('invalid input syntax: "bob@example.com"'), {
    severity: 'ERROR',
    code: '22P02',
    detail: 'Key (email)=(bob@example.com)',
  });
  const request = Object.assign(new Error('with clownfish', { cause: refusal }), { headers: { key: 'Bearer 1' } });
  const trace = traceOf(new RestageError('internal', 'it failed', { cause: request }));
  expect(trace).toMatch(/^RestageError \[internal\]: it failed\n {4}at /);
  expect(trace).toMatch(/\ncaused by Error: with \*\*\*\n {4}at /);
  expect(trace).toMatch(/\ncaused by Error \[22P02\]\n {4}at /);
  expect(trace).not.toMatch(/bob|Bearer|clownfish/);
});
