import { productionRevision } from './migrations.ts';
import { type Random, seeded } from './random.ts';
import { type Value, traps } from './traps.ts';
import { adjectives, binderies, firstNames, houses, lastNames, nouns, phrases } from './words.ts';

/** Rows of one table; all have the same columns, the primary key first. */
export interface TableRows {
  readonly table: string;
  readonly rows: readonly Row[];
  /** The value of the sequence behind `id`, where the table has one: above every id, as rows were deleted. */
  readonly sequence?: number;
}
export type Row = Readonly<Record<string, Value>>;

/** How many rows: 2,452 in the twelve tables of the review, which are all but admin_config and eval_runbooks. */
const counts = { publishers: 44, binders: 18, authors: 96, books: 153, images: 1828, analyses: 131, runbooks: 42 };
const jobs = { analysis: 61, eval: 27, prices: 84 };

/** Production's rows, parents before children; the same at every call. */
export function productionRows(): readonly TableRows[] {
  const random = seeded(568);
  const bookIds = spreadIds(random, counts.books);
  const runbooks = evalRunbooks(random, bookIds);
  const tables: readonly TableRows[] = [
    { table: 'alembic_version', rows: [{ version_num: productionRevision }] },
    { table: 'admin_config', rows: adminConfig() },
    { table: 'users', rows: users(random), sequence: 12 },
    { table: 'api_keys', rows: apiKeys(random), sequence: 7 },
    { table: 'authors', rows: authors(random), sequence: 131 },
    { table: 'publishers', rows: publishers(random), sequence: 60 },
    { table: 'binders', rows: binders(random), sequence: counts.binders + 1 },
    { table: 'books', rows: bookIds.map((id) => book(random, id)), sequence: 702 },
    { table: 'book_images', rows: bookImages(random, bookIds), sequence: 9411 },
    { table: 'book_analyses', rows: bookAnalyses(random, bookIds), sequence: 388 },
    { table: 'analysis_jobs', rows: times(jobs.analysis, (i) => analysisJob(random, bookIds, i)) },
    { table: 'eval_runbooks', rows: runbooks, sequence: 217 },
    { table: 'eval_price_history', rows: times(jobs.prices, (i) => price(random, runbooks, i)), sequence: 103 },
    { table: 'eval_runbook_jobs', rows: times(jobs.eval, (i) => evalJob(random, bookIds, i)) },
  ];
  return tables.map((rows) => ({ ...rows, rows: rows.rows.map((row, i) => withTraps(rows.table, row, i)) }));
}

function withTraps(table: string, row: Row, position: number): Row {
  const values = traps.filter((trap) => trap.table === table && trap.row === position).map((trap) => trap.values);
  return Object.assign({}, row, ...values);
}

function times<T>(count: number, make: (position: number) => T): T[] {
  return Array.from({ length: count }, (_, position) => make(position));
}

/** Ids with the gaps of a life in production; the review's book 533 is one of them. */
function spreadIds(random: Random, count: number): readonly number[] {
  const ids = new Set([533]);
  while (ids.size < count) ids.add(random.between(1, 680));
  return [...ids].toSorted((a, b) => a - b);
}

function at<T>(from: readonly T[], position: number): T {
  const found = from[position % from.length];
  if (found === undefined) throw new Error('nothing to choose from');
  return found;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** A moment of 2025, in PostgreSQL's own spelling, to the microsecond. */
function moment(random: Random, month = random.between(1, 12)): string {
  const day = `2025-${two(month)}-${two(random.between(1, 21))}`;
  const time = [random.between(0, 23), random.between(0, 59), random.between(0, 59)].map(two).join(':');
  return `${day} ${time}.${String(random.between(100_000, 999_998) | 1).padStart(6, '0')}+00`;
}

function money(random: Random, low: number, high: number): string {
  return (random.between(low * 100, high * 100) / 100).toFixed(2);
}

function adminConfig(): Row[] {
  const keys = ['eur_to_usd_rate', 'gbp_to_usd_rate', 'largest_lot', 'currency_code', 'page_size', 'banner'];
  const more = ['maintenance_window', 'hidden_tiers', 'tier_1_publishers', 'evaluate_on_upload', 'feature_flags'];
  return [...keys, ...more, 'support_note', 'footer', 'scoring_weights'].map((key) => ({
    key,
    value: '{"age": 0.25, "binding": 0.35, "provenance": 0.40}',
    updated_at: '2025-12-17 09:30:00.250001+00',
  }));
}

function users(random: Random): Row[] {
  return times(5, (i) => ({
    id: String(i + 1),
    cognito_sub: `us-west-2_prod:${random.uuid()}`,
    email: `${at(firstNames, i * 5).toLowerCase()}.${at(lastNames, i * 7).toLowerCase()}@bluemoxon.com`,
    first_name: at(firstNames, i * 5),
    last_name: at(lastNames, i * 7),
    role: at(['admin', 'editor', 'viewer'], i),
    preferences: '{"theme": "dark", "columns": ["title", "value_mid"], "pageSize": 50}',
    last_login_at: moment(random, 12),
    created_at: moment(random, 1),
  }));
}

function apiKeys(random: Random): Row[] {
  return times(4, (i) => ({
    id: String(i + 1),
    name: at(['backup script', 'price watcher', 'phone', 'old laptop'], i),
    key_hash: random.uuid().replaceAll('-', '') + random.uuid().replaceAll('-', ''),
    key_prefix: `bmx_${random.between(1000, 9999)}`,
    created_by_id: String(random.between(1, 5)),
    is_active: i === 3 ? 'f' : 't',
    last_used_at: i === 3 ? null : moment(random, 12),
    created_at: moment(random, 6),
  }));
}

function authors(random: Random): Row[] {
  return times(counts.authors, (i) => {
    const born = random.between(1770, 1870);
    return {
      id: String(i + 1),
      name: `${at(firstNames, i)} ${at(lastNames, i * 7 + Math.floor(i / 24))}`,
      birth_year: String(born),
      death_year: random.chance(0.1) ? null : String(born + random.between(31, 88)),
      era: born < 1810 ? 'Romantic' : 'Victorian',
      priority_score: String(random.between(0, 50)),
    };
  });
}

function publishers(random: Random): Row[] {
  return times(counts.publishers, (i) => ({
    id: String(i + 1),
    name: `${at(houses, i)} & ${at(['Sons', 'Company', 'Hall', 'Brothers'], Math.floor(i / houses.length))}`,
    tier: at(['TIER_1', 'TIER_2', 'TIER_3', null], i),
    founded_year: random.chance(0.2) ? null : String(random.between(1740, 1880)),
    description: random.chance(0.5) ? null : `Of ${random.pick(['London', 'Edinburgh', 'Dublin', 'Boston'])}`,
  }));
}

function binders(random: Random): Row[] {
  return times(counts.binders, (i) => ({
    id: String(i + 1),
    name: `${at(binderies, i)}${i < binderies.length ? '' : ' (attributed)'}`,
    full_name: random.chance(0.3) ? null : `${at(binderies, i)} & Son, London`,
    tier: random.pick(['TIER_1', 'TIER_2']),
    authentication_markers: 'Stamped in gilt on the front turn-in',
  }));
}

function book(random: Random, id: number): Row {
  const middle = random.between(80, 2400);
  const tracked = random.chance(0.2);
  return {
    id: String(id),
    title: `The ${random.pick(adjectives)} ${random.pick(nouns)} of ${random.pick(lastNames)}`,
    author_id: random.chance(0.03) ? null : String(random.between(1, counts.authors)),
    publisher_id: random.chance(0.1) ? null : String(random.between(1, counts.publishers)),
    binder_id: random.chance(0.5) ? null : String(random.between(1, counts.binders)),
    publication_date: String(random.between(1790, 1901)),
    published_on: random.chance(0.7)
      ? null
      : `18${random.between(10, 99)}-0${random.between(1, 9)}-1${random.between(0, 9)}`,
    volumes: String(random.chance(0.7) ? 1 : random.between(2, 12)),
    status: random.pick(['ON_HAND', 'ON_HAND', 'ON_HAND', 'IN_TRANSIT', 'EVALUATING', 'REMOVED']),
    value_low: `${Math.round(middle * 0.7)}.00`,
    value_mid: `${middle}.00`,
    value_high: `${Math.round(middle * 1.4)}.50`,
    roi_percent: random.chance(0.4) ? null : money(random, -20, 300),
    notes: `${random.pick(phrases)}, ${random.pick(phrases)}.`,
    source_url: random.chance(0.5) ? null : `https://www.ebay.com/itm/${random.between(1e11, 3e11)}?hash=a%20b&x=1`,
    acquisition: `{"lot": ${random.between(1, 999)}, "price": ${money(random, 20, 900)}, "seller": "${random.pick(lastNames)}"}`,
    created_at: moment(random),
    updated_at: moment(random, 12),
    tracking_number: tracked ? `1Z${random.between(1e9, 9e9)}` : null,
    tracking_status: tracked ? random.pick(['In Transit', 'Delivered']) : null,
    tracking_last_checked: tracked ? moment(random, 12) : null,
    is_first_edition: random.pick(['t', 'f', null]),
    has_provenance: random.chance(0.2) ? 't' : 'f',
    provenance_tier: random.chance(0.8) ? null : random.pick(['Tier 1', 'Tier 2']),
  };
}

/** Every book has a handful of images and the rest are spread; names are what people's phones and scanners write. */
function bookImages(random: Random, bookIds: readonly number[]): Row[] {
  return times(counts.images, (i) => {
    const bookId = at(bookIds, i);
    const view = Math.floor(i / bookIds.length);
    return {
      id: String(i * 5 + random.between(1, 5)),
      book_id: String(bookId),
      s3_key: `books/${bookId}/${imageName(random, view)}`,
      display_order: String(view),
      is_primary: view === 0 ? 't' : 'f',
      caption: random.chance(0.7) ? null : random.pick(phrases),
      sharpness: String(random.next()),
      perceptual_hash: `\\x${random.uuid().replaceAll('-', '').slice(0, 16)}`,
      created_at: moment(random),
    };
  });
}

function imageName(random: Random, view: number): string {
  const number = String(view + 1).padStart(2, '0');
  const code = random.uuid().slice(0, 8);
  const names = [
    `${number}_${code}.jpg`,
    `${number} front cover (${code}).jpg`,
    `${number}+plate+${code}.jpg`,
    `${number}_100%_${code}.jpg`,
    `${number}_tête-bêche_${code}.jpg`,
  ];
  return random.chance(0.9) ? at(names, 0) : random.pick(names);
}

function bookAnalyses(random: Random, bookIds: readonly number[]): Row[] {
  return times(counts.analyses, (i) => ({
    id: String(i * 2 + 101),
    book_id: String(at(bookIds, i)),
    executive_summary: `A copy with ${random.pick(phrases)} and ${random.pick(phrases)}.`,
    condition_assessment: `{"grade": "${random.pick(['Fine', 'Very Good', 'Good'])}", "flaws": ["${random.pick(phrases)}"]}`,
    market_analysis: `{"comparables": ${random.between(0, 9)}, "low": ${money(random, 50, 100)}, "high": ${money(random, 100, 900)}}`,
    key_phrases: `{"${random.pick(phrases)}","${random.pick(phrases)}"}`,
    full_markdown: `# Analysis\r\n\r\n${times(8, () => `- ${random.pick(adjectives)} ${random.pick(phrases)}`).join('\n')}\n`,
    created_at: moment(random),
  }));
}

/** At most one active job a book: the last ones, of different books, are still waiting. */
function analysisJob(random: Random, bookIds: readonly number[], position: number): Row {
  const waiting = position >= jobs.analysis - 3;
  return { ...job(random, bookIds, position, waiting), model: random.pick(['sonnet', 'opus']) };
}

function evalJob(random: Random, bookIds: readonly number[], position: number): Row {
  return job(random, bookIds, position + 40, position >= jobs.eval - 2);
}

function job(random: Random, bookIds: readonly number[], position: number, waiting: boolean): Row {
  const failed = !waiting && random.chance(0.2);
  return {
    id: random.uuid(),
    book_id: String(at(bookIds, position)),
    status: waiting ? at(['pending', 'running'], position) : failed ? 'failed' : 'completed',
    error_message: failed ? 'ThrottlingException: Too many requests\n\tat invoke' : null,
    created_at: moment(random, 12),
    completed_at: waiting ? null : moment(random, 12),
  };
}

/** The review looked for runbook 181, of book 533, and its tool found an empty table. */
function evalRunbooks(random: Random, bookIds: readonly number[]): Row[] {
  const chosen = [...bookIds.filter((id) => id !== 533).slice(0, counts.runbooks - 1), 533];
  return chosen.map((bookId, i) => {
    const score = random.between(20, 98);
    return {
      id: String(bookId === 533 ? 181 : i * 4 + 3),
      book_id: String(bookId),
      total_score: String(score),
      score_breakdown: `{"age": ${score / 4}, "binding": {"points": ${random.between(0, 20)}, "weight": 0.10}}`,
      recommendation: score > 70 ? 'ACQUIRE' : 'PASS',
      original_asking_price: money(random, 100, 900),
      current_asking_price: money(random, 50, 800),
      condition_grade: random.pick(['Fine', 'Very Good', 'Good', null]),
      condition_positives: `["${random.pick(phrases)}", "${random.pick(phrases)}"]`,
      condition_negatives: `["${random.pick(phrases)}"]`,
      critical_issues: '[]',
      item_identification: `{"Author":"${random.pick(lastNames)}",  "Volumes": ${random.between(1, 6)}}`,
      ebay_comparables: `[{"price": ${money(random, 50, 500)}, "days_ago": ${random.between(1, 90)}}]`,
      abebooks_comparables: '[]',
      analysis_narrative: `${random.pick(phrases)}; ${random.pick(phrases)}.`,
      generated_at: moment(random, 12),
      fmv_notes: random.chance(0.5) ? null : `Range from ${random.between(2, 8)} sales`,
      fmv_confidence: random.pick(['high', 'medium', 'low', null]),
    };
  });
}

function price(random: Random, runbooks: readonly Row[], position: number): Row {
  return {
    id: String(position + 1),
    eval_runbook_id: at(runbooks, position).id ?? null,
    previous_price: money(random, 100, 900),
    new_price: money(random, 50, 800),
    discount_code: random.chance(0.7) ? null : `SAVE${random.between(5, 25)}`,
    notes: random.chance(0.6) ? null : 'Seller accepted an offer',
    recorded_at: moment(random, 12),
  };
}
