import { expect, test } from 'vitest';
import { marker, withMarker, withoutMarker } from './protected-marker.ts';

const facts = { run: '20260101-000000-abcd', source: { host: 'db', port: 5432, database: 'shop' }, takenAt: '' };

test.each([
  [undefined, marker],
  ['', marker],
  ['the shop', `the shop\n${marker}`],
  [`the shop ${marker} (since May)`, `the shop ${marker} (since May)`],
  // JSON, but none of restage's.
  ['{"team": "shop"}', `{"team": "shop"}\n${marker}`],
  ['null', `null\n${marker}`],
  ['7', `7\n${marker}`],
])('the comment %j with the marker is %j', (comment, marked) => {
  expect(withMarker(comment)).toBe(marked);
  expect(withMarker(marked)).toBe(marked);
});

test('what restage notes stays readable with the marker inside, and comes out of it as it was', () => {
  for (const noted of [{ restage: facts }, { restage: { ...facts, comment: 'the shop' } }]) {
    const plain = JSON.stringify(noted);
    const marked = withMarker(plain);
    expect(marked).toContain(marker);
    expect(JSON.parse(marked)).toMatchObject({ restage: facts });
    expect(withMarker(marked)).toBe(marked);
    expect(withoutMarker(marked)).toBe(plain);
  }
});

test('without the marker a comment is what people wrote, or none', () => {
  expect(withoutMarker(marker)).toBeUndefined();
  expect(withoutMarker(`the shop\n${marker}`)).toBe('the shop');
  expect(withoutMarker(`${JSON.stringify({ restage: facts })} ${marker}`)).toBe(JSON.stringify({ restage: facts }));
});
