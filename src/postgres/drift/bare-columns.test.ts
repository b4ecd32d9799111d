import { expect, test } from 'vitest';
import { bareColumns } from './bare-columns.ts';

// Left: as 14 and 15 print it. Right: as 16 and later do.
test.each([
  [
    `SELECT t.a, t.b AS c FROM shop.t WHERE (t.a > 0) ORDER BY t.b`,
    `SELECT a, b AS c FROM shop.t WHERE (a > 0) ORDER BY b`,
  ],
  [
    `SELECT x.a, count(x.b) AS n FROM ONLY shop.t x GROUP BY x.a`,
    `SELECT a, count(b) AS n FROM ONLY shop.t x GROUP BY a`,
  ],
  [`SELECT "My.View"."a.b" FROM shop."My.View"`, `SELECT "a.b" FROM shop."My.View"`],
  [`SELECT v.a FROM ( SELECT v.a FROM shop.v) v`, `SELECT a FROM ( SELECT v.a FROM shop.v) v`],
  [`SELECT v.id FROM ( VALUES (1,'v.x'::text)) v(id, body)`, `SELECT id FROM ( VALUES (1,'v.x'::text)) v(id, body)`],
  [`SELECT n.n FROM generate_series(1, 3) n(n)`, `SELECT n FROM generate_series(1, 3) n(n)`],
  [`WITH r AS ( SELECT t.a FROM shop.t) SELECT r.a FROM r`, `WITH r AS ( SELECT t.a FROM shop.t) SELECT a FROM r`],
  [
    `SELECT t.a, ( SELECT max(i.b) AS max FROM shop.u i WHERE (i.a < t.a)) AS m FROM shop.t`,
    `SELECT a, ( SELECT max(i.b) AS max FROM shop.u i WHERE (i.a < t.a)) AS m FROM shop.t`,
  ],
  [`SELECT t.a FROM shop.t WHERE (t.a ~~ '%t.a%'::text)`, `SELECT a FROM shop.t WHERE (a ~~ '%t.a%'::text)`],
])('%s', (old, bare) => {
  expect(bareColumns(old)).toBe(bare);
  expect(bareColumns(bare)).toBe(bare);
});

test.each([
  `SELECT a.id, b.id FROM (shop.a JOIN shop.b ON ((a.id = b.id)))`,
  `SELECT a.id FROM shop.a, shop.b`,
  `SELECT a.id FROM shop.a UNION ALL SELECT a.n FROM shop.a`,
  `SELECT t.*::shop.t AS t FROM shop.t`,
  `SELECT 1 AS one`,
  `SELECT`,
])('%s stays as it is', (query) => {
  expect(bareColumns(query)).toBe(query);
});
