import { rowsOf, type Table } from '../../catalog.ts';
import { quoteName, quoteText, type ColumnName, type TableName } from '../../names.ts';
import { inRange, type BlockRange } from '../../ranges.ts';
import { lowered, wordsOf } from './normal-form.ts';

// Which of the source's values prove a leak where they are met in staging, and how the source tells them: by keyed hashes.

/** A column that has a mask. */
export interface MaskedColumn extends ColumnName {
  /** The mask's kind. */
  readonly mask: string;
  /** Of a mask inside of json: where, as the config writes it. */
  readonly path?: string;
}

/** Where values come from that are looked for: a column, a place inside its json, or a first name with its last name. */
export interface Origin {
  /** Its number in this run, from 1. */
  readonly number: number;
  readonly table: TableName;
  /** In the order in which their values stand behind each other. */
  readonly columns: readonly string[];
  readonly kind: string;
  readonly path?: string;
}

/**
 * By kind of mask: when a value is one that nobody writes by chance. `j` are its words with one blank between, `w` the words.
 * What is not here never counts: one first name, last name, city or postcode is a word like others; dates and numbers too.
 */
const telling: Readonly<Record<string, string>> = {
  email: `strpos(j, '@') > 1 and octet_length(j) >= 6`,
  name: `cardinality(w) >= 2 and octet_length(j) >= 7`,
  phone: `${digits()} >= 7 and j ~ '[1-9]'`,
  address: `cardinality(w) >= 2 and octet_length(j) >= 8 and j ~ '[0-9]' and j ~ '[^0-9 .-]{3}'`,
  username: `octet_length(j) >= 6 and j ~ '[0-9._@-]' and j ~ '[^0-9._ -]{3}'`,
  ip: `cardinality(w) = 1 and j ~ '^[0-9]{1,3}(\\.[0-9]{1,3}){3}$' and j !~ '^(0|10|127|169\\.254|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168|192\\.0\\.2|198\\.51\\.100|203\\.0\\.113|198\\.1[89]|2[2-5][0-9])\\.'
       or cardinality(w) >= 5 and octet_length(j) >= 14 and j ~ '^[0-9a-f. ]+$' and j !~ '^(fe80|f[cd]..|2001 0?db8) '`,
  uuid: `octet_length(j) >= 32 and j ~ '[1-9a-f]'`,
  url: `cardinality(w) >= 3 and octet_length(j) >= 16`,
  token: `octet_length(j) >= 12`,
  'password-hash': `octet_length(j) >= 12`,
  hash: `octet_length(j) >= 12`,
  iban: `${digits()} >= 10`,
  card: `${digits()} >= 12`,
};
/** Of all other masks: an e-mail address, a sentence of some length, or one long word that is no word of a language. */
const tellingOtherwise = `strpos(j, '@') > 1 and j ~ '@[^ ]+\\.' or cardinality(w) >= 4 and octet_length(j) >= 24
       or cardinality(w) <= 2 and octet_length(j) >= 16 and j ~ '[0-9]'`;
const neverTelling: ReadonlySet<string> = new Set(['firstName', 'lastName', 'city', 'postcode', 'date', 'number']);

/** No value that tells has fewer bytes; one word of its own, with a point or a digit, may be a user's name. */
export const leastBytes = 6;

/** Kinds whose masked values are so many that none of them is a real one by chance. */
const neverByChance: ReadonlySet<string> = new Set(['email', 'uuid', 'url', 'token', 'password-hash', 'hash', 'iban']);
/** Whether a mask may write a value of this kind that is somebody's real one. */
export function mayBeChance(kind: string): boolean {
  return !neverByChance.has(kind);
}

function digits(): string {
  return `octet_length(j) - octet_length(translate(j, '0123456789', ''))`;
}

/** Whose values are looked for: those of columns whose mask hides what tells. */
export function originsOf(columns: readonly MaskedColumn[]): readonly Origin[] {
  const single = columns
    .filter(({ mask }) => !neverTelling.has(mask))
    .map(({ table, column, mask, path }) => ({
      table,
      columns: [column],
      kind: mask,
      ...(path === undefined ? {} : { path }),
    }));
  const first = columns.filter(({ mask, path }) => mask === 'firstName' && path === undefined);
  const pairs = first.flatMap(({ table, column }) =>
    columns
      .filter(
        (other) =>
          other.mask === 'lastName' &&
          other.path === undefined &&
          other.table.schema === table.schema &&
          other.table.name === table.name,
      )
      .map((other) => ({ table, columns: [column, other.column], kind: 'name' })),
  );
  return [...single, ...pairs].map((origin, index) => ({ number: index + 1, ...origin }));
}

/** How often a value may stand in its own column and still be somebody's: what stands there more often is a placeholder. */
export function commonLimit(origins: readonly Origin[]): string {
  const strong = origins.filter(({ kind }) => kind in telling && !['name', 'address', 'username'].includes(kind));
  return `case when n in (${[0, ...strong.map(({ number }) => number)].join(', ')}) then greatest(100, total / 10) else greatest(10, total / 100) end`;
}

/** SQL: the key of this run, and the seed of its fast hash; read once a statement. */
const runKey = `(select decode(current_setting('restage.scan_key'), 'hex'))`;
const runSeed = `(select current_setting('restage.scan_seed')::bigint)`;

/** SQL: 16 bytes that stand for some words, which nobody can try out without the key. */
export function hashOf(words: string): string {
  return `substr(sha256(${runKey} || convert_to(${words}, 'UTF8')), 1, 16)`;
}

/** SQL: 8 bytes, as a bigint, that go with a hash: what it is mixed with on its way says nothing without the key. */
export function padOf(hash: string): string {
  return `('x' || encode(substr(sha256(${runKey} || '\\x00'::bytea || ${hash}), 1, 8), 'hex'))::bit(64)::bigint`;
}

/** Whether both servers hold text in the same encoding; where they do not the fast hash is that of its UTF-8. */
export interface Encodings {
  readonly alike: boolean;
}

/** SQL: a fast hash, for the filter: of a first word, or of what it is the first of. */
export function fastHash(text: string, of: 'head' | 'whole', { alike }: Encodings): string {
  const bytes = alike ? text : `encode(convert_to(${text}, 'UTF8'), 'escape')`;
  return `hashtextextended(${bytes} collate "C", ${runSeed}${of === 'head' ? '' : ' + 1'})`;
}

export const mostWords = 8;

/**
 * SELECT of what the source tells of its values: `n`, the origin's number; `extra`, whether it is another way to write a value;
 * `hash`; and `bits`, two fast hashes under the pad. All of the table's rows: also those that are not copied may have left
 * a trace elsewhere. `ownWords`: in lower case; a value that has no other words may be a mask's.
 */
export function selectValues(
  table: Table,
  origins: readonly Origin[],
  { range, ownWords, encodings }: { range?: BlockRange; ownWords: readonly string[]; encodings: Encodings },
): string {
  const texts = origins.map((origin) => `(${origin.number}, ${textsOf(table, origin)})`);
  const counts = origins.map(({ number, kind }) => `when ${number} then ${counting(kind, ownWords)}`);
  const low = (hash: string) => `(${hash} & 4294967295)`;
  return `
    select n, extra, hash, bits # ${padOf('hash')} as bits
      from (
        select n, extra, ${hashOf('j')} as hash,
               ${low(fastHash('w[1]', 'head', encodings))} << 32
               | ${low(fastHash(`array_to_string(w[:2], ' ')`, 'whole', encodings))} as bits
          from (
            select n, extra, w, array_to_string(w, ' ') as j
              from (
                select n, extra, (${wordsOf('x')})[:${mostWords}] as w
                  from (
                    select n, extra, ${lowered('value')} as x
                      from (
                        select v.n, unnest(v.texts) as value, generate_subscripts(v.texts, 1) > v.own as extra
                          from ${rowsOf(table)} as "t"
                          cross join lateral (values ${texts.join(', ')}) v(n, texts, own)
                         ${range ? `where ${inRange(range, '"t".ctid')}` : ''} offset 0) every
                     where value <> '' offset 0) lowered offset 0) cut offset 0) joined
         where case n ${counts.join(' ')} end offset 0) hashed`;
}

/** SQL: a value, or values, of an origin with the other ways to write them, and how many of them are its own. */
function textsOf(table: Table, { columns, kind, path }: Origin): string {
  const [only = ''] = columns;
  const name = `"t".${quoteName(only)}`;
  const isArray = table.columns.find((column) => column.name === only)?.base.endsWith('[]') === true;
  if (path !== undefined)
    return `array(select q #>> '{}' from jsonb_path_query(${name}::jsonb, ${quoteText(jsonPath(path))}) q), 2147483647`;
  if (isArray) return `array(select e from unnest(${name}::text[]) e), 2147483647`;
  const text = columns.map((column) => `"t".${quoteName(column)}::text`).join(` || ' ' || `);
  const more =
    kind === 'phone' || kind === 'iban' || kind === 'card'
      ? [`nullif(translate(${text}, ' -+./()', ''), ${text})`]
      : [];
  // Letters beyond ASCII stay as they are in the normal form: their other case is another value.
  const cases = `case when octet_length(${text}) <> length(${text}) then array[lower(${text} collate "default"), upper(${text} collate "default")] end`;
  return `array[${[text, ...more].join(', ')}] || ${cases}, 1`;
}

/** `orders[*].iban` as the server's path language writes it. */
function jsonPath(path: string): string {
  const parts = path.split('.').map((part) => {
    const [, key = '', rest = ''] = /^(.*?)((?:\[(?:\*|\d+)\])*)$/s.exec(part) ?? [];
    return `${key === '' ? '' : `.${JSON.stringify(key)}`}${rest}`;
  });
  return `lax $${parts.join('')}`;
}

function counting(kind: string, ownWords: readonly string[]): string {
  const rule = `(${telling[kind] ?? tellingOtherwise})`;
  if (!['name', 'address', 'username'].includes(kind) || ownWords.length === 0) return rule;
  const own = `'{${ownWords.join(',')}}'::text[]`;
  return `(${rule} and exists (select from unnest(w) word where word !~ '^[0-9]{1,5}$' and word not in (select unnest(${own}))))`;
}
