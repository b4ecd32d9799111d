import { expect, test } from 'vitest';
import { RestageError } from './errors.ts';
import { json } from './report/json.ts';
import { withoutRowValues } from './row-values.ts';

const person = 'ada@example.com';

test.each([
  [`DETAIL:  Key (email)=(${person}) already exists.`, 'DETAIL:  Key (email)=(…) already exists.'],
  [`Key (lower(email), id)=(${person}, (1)) is duplicated.`, 'Key (lower(email), id)=(…) is duplicated.'],
  [`Key (note)=(a\n${person}) already exists.`, 'Key (note)=(…) already exists.'],
  [`Key (room)=(${person}) conflicts with existing key (room)=(${person}).`, 'Key (room)=(…).'],
  [`Key (room)=(1) conflicts with existing key (room)=(a\n${person}).`, 'Key (room)=(…).'],
  [
    `Key (room)=(a\n${person}) conflicts with existing key (room)=(a\n${person}).`,
    'Key (room)=(…) conflicts with existing key (room)=(…).',
  ],
  [`Key (email)=(${person}) is there, in words of another kind`, 'Key (email)=(…) is there, in words of another kind'],
  [`Failing row contains (1, ${person}, x\n${person}).`, 'Failing row contains (…).'],
  [`Failing row contains (1, ${person}`, 'Failing row contains (…)'],
  [`[parameters: {'email': '${person}'}]`, '[parameters: …'],
  [`invalid input syntax for type integer: "${person}"`, 'invalid input syntax for type integer: "…"'],
  [`invalid input value for enum state: "${person}"`, 'invalid input value for enum state: "…"'],
  [`value "${person}" is out of range for type integer`, 'value "…" is out of range for type integer'],
  [`malformed array literal: "${person}"`, 'malformed array literal: "…"'],
])('of %j no value of a row is told, whoever told it', (text, told) => {
  expect(new RestageError('migrate-failed', text).message).toBe(told);
  expect(JSON.parse(json({ answer: { errors: [text] } }))).toEqual({ answer: { errors: [told] } });
});

test('what only looks alike is told as it is', () => {
  const words = 'Key (email) must be there; the value "x" is not known';
  expect(new RestageError('migrate-failed', words).message).toBe(words);
});

test.each([
  'duplicate key (Key (n)=(…) already exists.) (23505)',
  'violates check constraint "t_check" (Failing row contains (…).) (23514)',
])('what has been left out before takes nothing more along: %s', (text) => {
  expect(withoutRowValues(text)).toBe(text);
});
