/** A value of one type, as PostgreSQL writes it as text; `null` is SQL's NULL. */
export type Value = string | null;

/** Values that copies of databases have lost or changed: put into the `row`th row of production's `table`. */
export interface Trap {
  readonly table: string;
  /** Position among the table's rows, from 0. */
  readonly row: number;
  readonly values: Readonly<Record<string, Value>>;
}

const composed = 'Br\u{e9}b\u{153}uf: caf\u{e9}';
const decomposed = 'Bre\u{301}b\u{153}uf: cafe\u{301}';

/** `[]`, bare scalars and long numbers: what a driver decodes to a value that it writes back as something else. */
const adminConfig: readonly Trap[] = [
  trap('admin_config', 0, { value: '1.10' }),
  trap('admin_config', 1, { value: '1.1' }),
  trap('admin_config', 2, { value: '12345678901234567890' }),
  trap('admin_config', 3, { value: '"123"' }),
  trap('admin_config', 4, { value: '123' }),
  trap('admin_config', 5, { value: 'null' }),
  trap('admin_config', 6, { value: null }),
  trap('admin_config', 7, { value: '[]' }),
  trap('admin_config', 8, { value: '["a", "b,c", "{d}", null, 1.50]' }),
  trap('admin_config', 9, { value: 'true' }),
  trap('admin_config', 10, { value: '{}' }),
  trap('admin_config', 11, { value: '""' }),
  trap('admin_config', 12, { value: '"\\\\N \\" \\n \u{1f4da}"' }),
];

const texts: readonly Trap[] = [
  trap('books', 0, { title: 'Songs of Innocence \u{1f4da}\u{2728}', notes: 'tab\there, newline\nhere, CRLF\r\nthere' }),
  trap('books', 1, { notes: '\\N', source_url: 'C:\\books\\new\\table' }),
  trap('books', 2, { notes: '', source_url: null }),
  trap('books', 3, { title: composed }),
  trap('books', 4, { title: decomposed }),
  trap('books', 5, { notes: '\\.' }),
  trap('books', 6, { notes: `O'Brien said "it''s", then ; -- DROP TABLE books` }),
  trap('books', 7, { notes: ' leading and trailing spaces ' }),
  trap('books', 8, { notes: '\u{feff}byte order mark, \u{200b}zero width, \u{202e}right to left' }),
  trap('publishers', 0, { name: 'W\u{fc}rttembergische Verlags-Anstalt', description: 'NULL' }),
  trap('publishers', 1, { name: '\u{4e38}\u{5584}', description: '' }),
  trap('binders', 0, { authentication_markers: 'stamp:\t"RIVIERE & SON"\\' }),
];

const times: readonly Trap[] = [
  trap('books', 9, { published_on: '0043-03-15 BC', created_at: '2025-12-19 14:03:07.123456+00' }),
  trap('books', 10, { published_on: 'infinity', updated_at: '-infinity' }),
  trap('books', 11, { published_on: '-infinity', updated_at: 'infinity' }),
  trap('books', 12, { updated_at: '2025-12-19 14:03:07.000001+00' }),
  trap('users', 0, { last_login_at: '2025-12-21 23:59:59.999999+00' }),
  trap('eval_price_history', 0, { recorded_at: '0001-12-31 23:59:59.5+00 BC' }),
];

const numbers: readonly Trap[] = [
  trap('books', 13, { roi_percent: 'NaN' }),
  trap('books', 14, { roi_percent: '1.10' }),
  trap('books', 15, { roi_percent: '1.1' }),
  trap('books', 16, { roi_percent: '-Infinity' }),
  trap('books', 17, { roi_percent: '12345678901234567890.123456789012345678901234567890' }),
  trap('eval_price_history', 1, { new_price: '100.00' }),
  trap('eval_price_history', 2, { new_price: 'NaN' }),
  trap('book_images', 0, { sharpness: '1e-300', perceptual_hash: '\\x00ff5c4e0a0d09' }),
  trap('book_images', 1, { sharpness: '-0', perceptual_hash: '\\x' }),
  trap('book_images', 2, { sharpness: 'NaN', perceptual_hash: null }),
  trap('book_images', 3, { sharpness: '-Infinity' }),
  trap('book_images', 4, { sharpness: '0.1' }),
  trap('book_images', 5, { sharpness: '1.7976931348623157e+308' }),
];

const documents: readonly Trap[] = [
  trap('books', 18, { acquisition: 'null' }),
  trap('books', 19, { acquisition: null }),
  trap('books', 20, { acquisition: '[]' }),
  trap('books', 21, { acquisition: '{"lot": 12345678901234567890, "note": "a\\u0001b", "rate": 1.10}' }),
  trap('users', 1, { preferences: '"dark"' }),
  trap('users', 2, { preferences: 'null' }),
  trap('users', 3, { preferences: null }),
  trap('eval_runbooks', 0, {
    condition_positives: '["Tight binding", "No foxing, \\"as new\\"", "{gilt} edges"]',
    condition_negatives: '[]',
    critical_issues: 'null',
    item_identification: '{ "title" : "first",\n\t"title":"second" ,  "volumes":1.0 }',
    ebay_comparables: '[ ]',
    abebooks_comparables: 'null',
  }),
  trap('eval_runbooks', 1, {
    condition_positives: null,
    condition_negatives: '"none"',
    item_identification: ' 1.10 ',
    ebay_comparables: '"\\u00e9 \\ud83d\\udcda"',
    abebooks_comparables: null,
  }),
];

const arrays: readonly Trap[] = [
  trap('book_analyses', 0, { key_phrases: '{}' }),
  trap('book_analyses', 1, { key_phrases: null }),
  trap('book_analyses', 2, { key_phrases: '{NULL,"NULL","",plain}' }),
  trap('book_analyses', 3, { key_phrases: '{"say \\"gilt\\"","{curly},comma","back\\\\slash"," spaced "}' }),
  trap('book_analyses', 4, { key_phrases: '[0:1]={zero,one}' }),
  trap('book_analyses', 5, { key_phrases: '{{a,b},{c,d}}' }),
  trap('book_analyses', 6, { key_phrases: '{"new\nline",\u{1f4d6}}' }),
  trap('book_analyses', 7, { condition_assessment: '[]', market_analysis: 'null' }),
];

export const traps: readonly Trap[] = [...adminConfig, ...texts, ...times, ...numbers, ...documents, ...arrays];

function trap(table: string, row: number, values: Readonly<Record<string, Value>>): Trap {
  return { table, row, values };
}
