import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../src/index.ts';
import { outcomeOf, runChanged } from './clone-faults.ts';
import { startCloneScene, type CloneScene } from './clone-scene.ts';
import { openNetwork } from './network.ts';

// Unmasked values never cross the wire: every byte that comes from the source is looked at.

let scene: CloneScene;

beforeAll(async () => {
  scene = await startCloneScene();
  await scene.arrange(`
    create extension citext;
    create table people (
      id integer primary key, email varchar(80) not null unique, name text, login citext, phones text[], profile jsonb,
      notes json, card text, raw bytea, upper_email text generated always as (upper(email)) stored);
    create index on people (name);
    create index on people using gin (profile);
    create table letters (id integer, reader text, body text, about text);
    create function loud(words text) returns text language plpgsql as $$
      begin raise notice 'about %', words; raise warning 'about %', words; return 'nobody'; end $$;
    create table visits (id integer, reader text) partition by hash (id);
    create table visits_1 partition of visits for values with (modulus 2, remainder 0);
    create table visits_2 partition of visits for values with (modulus 2, remainder 1);
    insert into people
    select n, 'quillon' || n || '@privatemail.test', 'Thessaly Quillfeather ' || n, 'Loginmoor' || n, array['+49 30 5551' || n, 'ring Ottoline'],
           jsonb_build_object('contact', jsonb_build_object('mail', 'quillon' || n || '@privatemail.test', 'town', 'Zwischenahn')),
           json_build_object('owner', 'Thessaly Quillfeather', 'n', n), '4111111111111111', convert_to('quillon' || n || '@privatemail.test', 'UTF8')
      from generate_series(1, 2000) n;
    insert into letters select n, 'quillon' || n || '@privatemail.test', repeat('Dear Thessaly Quillfeather, ', 5), 'Ottoline ' || n from generate_series(1, 2000) n;
    insert into visits select n, 'quillon' || n || '@privatemail.test' from generate_series(1, 500) n;
    analyze`);
});
afterAll(() => scene[Symbol.asyncDispose]());

/** What stands in every value that is masked. */
const raw = [
  'quillon1',
  'privatemail',
  'Thessaly',
  'Quillfeather',
  'Loginmoor',
  '30 5551',
  'Ottoline',
  'Zwischenahn',
  '411111111111',
];

const tables = {
  people: {
    mask: {
      email: 'email',
      name: 'name',
      login: 'username',
      phones: 'phone',
      profile: { json: { 'contact.mail': 'email', 'contact.town': 'city' } },
      notes: { json: { owner: 'name' } },
      card: 'card',
      raw: 'hash',
    },
  },
  letters: { mask: { reader: 'email', body: 'text' }, set: { about: 'loud(about)' } },
  visits: { mask: { reader: 'email' } },
};

/** A value in the forms that it might go in, in lower case. */
function formsOf(value: string): readonly string[] {
  const bytes = (encoding: BufferEncoding) => Buffer.from(value, encoding);
  // What stands around it changes the first and last characters of base64.
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes('utf8')]);
    return whole.toString('base64').slice(before === 0 ? 0 : before + 1, Math.floor((whole.length * 4) / 3) - 1);
  });
  const wide = bytes('utf16le');
  return [
    bytes('utf8'),
    wide,
    Buffer.from(wide).swap16(),
    bytes('utf8').toString('hex'),
    wide.toString('hex'),
    ...base64,
  ].map((form) => (typeof form === 'string' ? form : form.toString('latin1')).toLowerCase());
}

/** Plans and runs, `letters` and `people` read in parts, and gives all that came from the source, in lower case. */
async function recorded(database: object): Promise<{ readonly report: Report; readonly received: string }> {
  const chunks = new Map<number, Buffer[]>();
  await using network = await openNetwork(scene.source.port, undefined, (bytes, connection) => {
    chunks.set(connection, [...(chunks.get(connection) ?? []), Buffer.from(bytes)]);
  });
  const source = Object.assign(new URL(scene.source.adminUrl('production')), { port: network.port }).href;
  const config = await scene.configure({ source, database: { jobs: 2, keepPrevious: 0, ...database } });
  const report = await runChanged(config, (made) => ({
    ...made,
    steps: made.steps.map((step) =>
      step.kind === 'copy-table' && step.table.name === 'letters' ? { ...step, parts: 3 } : step,
    ),
  }));
  const received = [...chunks.values()].map((some) => Buffer.concat(some).toString('latin1').toLowerCase()).join('\n');
  return { report, received };
}

test('no value of a masked column comes from the source, in any form, when it is planned, copied and verified', async () => {
  const { report, received } = await recorded({ masks: { key: 'the key of the wire test' }, unmasked: 'warn', tables });
  expect(report.failure).toBeUndefined();
  for (const table of ['people', 'letters', 'visits_1'])
    expect(outcomeOf(report, `copy-table ${table}`)).toMatchObject({
      status: 'done',
      facts: { rows: expect.any(Number) },
    });
  expect(received.length).toBeGreaterThan(500_000);
  const found = raw.flatMap((value) =>
    formsOf(value)
      .filter((form) => received.includes(form))
      .map(() => value),
  );
  expect(found).toEqual([]);
  expect(
    await scene.onTarget(
      'select count(distinct l.reader) from people p join letters l on l.reader = p.email join visits v on v.reader = p.email',
    ),
  ).toEqual([{ count: '500' }]);
  expect(JSON.stringify(report)).not.toMatch(/quillon|Thessaly|the key of the wire test/);
});

test('without masks the same recorder finds every one of them', async () => {
  const { report, received } = await recorded({ unmasked: 'allow' });
  expect(report.failure).toBeUndefined();
  expect(raw.filter((value) => !received.includes(value.toLowerCase()))).toEqual([]);
});

test('the recorder would find a value in each of its forms', () => {
  for (const value of raw)
    for (const padding of ['', 'a', 'ab', 'abc']) {
      const around = `${padding}${value}${padding}x`;
      for (const text of [
        around,
        Buffer.from(around).toString('hex'),
        Buffer.from(around).toString('base64'),
        Buffer.from(around, 'utf16le').toString('latin1'),
        Buffer.from(around, 'utf16le').swap16().toString('latin1'),
      ])
        expect(formsOf(value).some((form) => text.toLowerCase().includes(form))).toBe(true);
    }
});
