import { describe, expect, test } from 'vitest';
import { findBound, findPersonal, type NamedTable } from './telling-names.ts';

function table(name: string, columns: Readonly<Record<string, string>> = { id: 'integer' }): NamedTable {
  return {
    table: { schema: 'public', name },
    columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })),
  };
}

const personal = (name: string, columns: Readonly<Record<string, string>>) =>
  Object.fromEntries(findPersonal([table(name, columns)]).flatMap((one) => one.columns.map((c) => [c.column, c.kind])));

describe('a column looks personal', () => {
  test.each([
    ['email', 'character varying(255)', 'contact'],
    ['e_mail', 'text', 'contact'],
    ['billingEmail', 'citext', 'contact'],
    ['phone_number', 'bigint', 'contact'],
    ['first_name', 'text', 'name'],
    ['lastName', 'text', 'name'],
    ['surname', 'text', 'name'],
    ['street', 'text', 'address'],
    ['delivery_address', 'jsonb', 'address'],
    ['zip', 'integer', 'address'],
    ['birth_date', 'date', 'birth'],
    ['dob', 'date', 'birth'],
    ['date_of_birth', 'timestamp without time zone', 'birth'],
    ['geburtsdatum', 'date', 'birth'],
    ['telefon', 'text', 'contact'],
    ['emails', 'text[]', 'contact'],
    ['phone2', 'text', 'contact'],
    ['address2', 'text', 'address'],
    ['contraseña', 'text', 'secret'],
    ['reset_token', 'uuid', 'secret'],
    ['iban', 'text', 'bank'],
    ['card_number', 'text', 'bank'],
    ['ssn', 'character(11)', 'identity'],
    ['tax_id', 'text', 'identity'],
    ['password', 'text', 'secret'],
    ['reset_token', 'text', 'secret'],
    ['key_hash', 'character varying(64)', 'secret'],
    ['ip_address', 'text', 'network'],
    ['seen_from', 'inet', 'network'],
  ])('by the name %s, %s: %s', (column, type, kind) => {
    expect(personal('things', { id: 'integer', [column]: type })).toEqual({ [column]: kind });
  });

  test.each([
    ['email_verified', 'boolean'],
    ['email_sent_at', 'timestamp with time zone'],
    ['address_id', 'integer'],
    ['token_count', 'integer'],
    ['max_tokens', 'integer'],
    ['phone_type', 'text'],
    ['title', 'text'],
    ['discard', 'text'],
    ['description', 'text'],
    ['s3_key', 'text'],
    ['birth_year', 'integer'],
    ['email_ids', 'integer[]'],
    ['email_id', 'uuid'],
    ['gender', 'text'],
    ['city', 'text'],
    ['name', 'text'],
  ])('and not by %s, %s', (column, type) => {
    expect(personal('things', { id: 'integer', [column]: type })).toEqual({});
  });

  test('a name is a person’s where people are: by the table, or beside an e-mail', () => {
    expect(personal('publishers', { name: 'text' })).toEqual({});
    expect(personal('customers', { name: 'text' })).toEqual({ name: 'name' });
    expect(personal('things', { name: 'text', email: 'text' })).toEqual({ name: 'name', email: 'contact' });
    expect(personal('CustomerProfiles', { displayName: 'text' })).toEqual({ displayName: 'name' });
  });

  test('what is written about somebody, and for whom they work, where each row is somebody', () => {
    const columns = {
      company_name: 'text',
      notes: 'text',
      comment: 'text',
      company_id: 'integer',
      comments: 'integer',
    };
    expect(personal('employees', columns)).toEqual({ company_name: 'work', notes: 'notes', comment: 'notes' });
    for (const name of ['books', 'suppliers', 'user_comments']) expect(personal(name, columns)).toEqual({});
  });

  test('a year of birth, a gender or a photo where the table is of people, and not of authors or flowers', () => {
    const columns = { birth_year: 'integer', gender: 'text', photo: 'bytea', salary: 'numeric(10,2)' };
    expect(personal('employees', columns)).toEqual({
      birth_year: 'birth',
      gender: 'trait',
      photo: 'identity',
      salary: 'trait',
    });
    expect(personal('authors', columns)).toEqual({});
  });

  test('a name or a town beside an address, but not the name of a place', () => {
    const columns = { name: 'text', ship_name: 'text', street: 'text', city: 'text', country: 'text' };
    expect(personal('orders', columns)).toEqual({
      name: 'name',
      ship_name: 'name',
      street: 'address',
      city: 'address',
    });
    expect(personal('warehouses', columns)).toEqual({ street: 'address', city: 'address' });
    expect(personal('readings', { name: 'text', latitude: 'double precision', city: 'text' })).toEqual({
      latitude: 'address',
    });
  });
});

describe('a table looks bound to its environment', () => {
  test.each([
    ['api_keys', 'logins'],
    ['sessions', 'logins'],
    ['oauth_refresh_tokens', 'logins'],
    ['analysis_jobs', 'work'],
    ['eval_runbook_jobs', 'work'],
    ['outbox', 'work'],
    ['mail_queue', 'work'],
    ['webhooks', 'calls'],
    ['webhook_deliveries', 'calls'],
    ['audit_log', 'records'],
    ['AuditTrail', 'records'],
  ])('%s: %s', (name, kind) => {
    expect(findBound([table(name)])).toEqual([{ table: { schema: 'public', name }, kind }]);
  });

  test.each(['books', 'auditoriums', 'job_titles_of_old', 'users', 'tasks_by_day_report'])('and not %s', (name) => {
    expect(findBound([table(name)])).toEqual([]);
  });

  test('a column that holds ids of another company’s service', () => {
    expect(findBound([table('users', { id: 'integer', cognito_sub: 'character varying(255)' })])).toEqual([
      { table: { schema: 'public', name: 'users' }, kind: 'ids elsewhere', columns: ['cognito_sub'] },
    ]);
  });
});
