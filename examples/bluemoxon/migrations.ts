import { initialSchema } from './initial-schema.ts';

export interface Migration {
  readonly revision: string;
  readonly description: string;
  readonly date: string;
  readonly sql: string;
  /** `table.column`s that code of this revision reads. */
  readonly needs: readonly string[];
}

/** The revisions, oldest first: each follows the one before it. */
const migrations: readonly Migration[] = [
  {
    revision: 'l4567890opqr',
    description: 'Initial schema',
    date: '2025-11-01',
    needs: [
      'books.title',
      'books.search_vector',
      'book_images.s3_key',
      'book_analyses.key_phrases',
      'users.cognito_sub',
    ],
    sql: initialSchema,
  },
  {
    revision: 'm5678901qrst',
    description: 'Add eval runbook',
    date: '2025-12-17',
    needs: ['eval_runbooks.condition_positives', 'eval_price_history.discount_code'],
    sql: `
      CREATE TABLE eval_runbooks (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        book_id integer NOT NULL UNIQUE REFERENCES books (id) ON DELETE CASCADE,
        total_score integer NOT NULL,
        score_breakdown jsonb NOT NULL,
        recommendation varchar(20) NOT NULL,
        original_asking_price numeric(10,2),
        current_asking_price numeric(10,2),
        condition_grade varchar(20),
        condition_positives jsonb,
        condition_negatives jsonb,
        critical_issues jsonb,
        item_identification json,
        ebay_comparables json,
        abebooks_comparables json,
        analysis_narrative text,
        generated_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE eval_price_history (
        id serial PRIMARY KEY,
        eval_runbook_id integer NOT NULL REFERENCES eval_runbooks (id) ON DELETE CASCADE,
        previous_price numeric(10,2),
        new_price numeric,
        discount_code varchar(100),
        notes text,
        recorded_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX eval_price_history_eval_runbook_id_idx ON eval_price_history (eval_runbook_id);
    `,
  },
  {
    revision: 'n6789012uvwx',
    description: 'Add eval runbook jobs',
    date: '2025-12-17',
    needs: ['eval_runbook_jobs.status'],
    sql: `
      CREATE TABLE eval_runbook_jobs (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        book_id integer NOT NULL REFERENCES books (id) ON DELETE CASCADE,
        status varchar(20) NOT NULL DEFAULT 'pending',
        error_message text,
        created_at timestamptz NOT NULL DEFAULT now(),
        completed_at timestamptz
      );
      CREATE UNIQUE INDEX eval_runbook_jobs_one_active_per_book ON eval_runbook_jobs (book_id)
        WHERE status IN ('pending', 'running');
    `,
  },
  {
    revision: 'o7890123wxyz',
    description: 'Add FMV notes and confidence',
    date: '2025-12-17',
    needs: ['eval_runbooks.fmv_notes', 'eval_runbooks.fmv_confidence'],
    sql: `
      ALTER TABLE eval_runbooks ADD COLUMN fmv_notes text;
      ALTER TABLE eval_runbooks ADD COLUMN fmv_confidence varchar(20);
    `,
  },
  {
    revision: 'p8901234yzab',
    description: 'Add tracking status fields',
    date: '2025-12-18',
    needs: ['books.tracking_status', 'books.tracking_last_checked'],
    sql: `
      ALTER TABLE books ADD COLUMN tracking_number varchar(100);
      ALTER TABLE books ADD COLUMN tracking_status varchar(50);
      ALTER TABLE books ADD COLUMN tracking_last_checked timestamptz;
    `,
  },
  {
    revision: 'q0123456cdef',
    description: 'Add provenance, first edition',
    date: '2025-12-19',
    needs: ['books.is_first_edition', 'books.has_provenance'],
    sql: `
      ALTER TABLE books ADD COLUMN is_first_edition boolean;
      ALTER TABLE books ADD COLUMN has_provenance boolean NOT NULL DEFAULT false;
      ALTER TABLE books ADD COLUMN provenance_tier varchar(20);
      CREATE INDEX books_provenance_tier_idx ON books (provenance_tier);
    `,
  },
  {
    revision: 'r1234567ghij',
    description: 'Add extraction status',
    date: '2025-12-19',
    needs: ['book_analyses.extraction_status'],
    sql: `ALTER TABLE book_analyses ADD COLUMN extraction_status varchar(20) NOT NULL DEFAULT 'unknown';`,
  },
  {
    revision: 's2345678klmn',
    description: 'Add author tier',
    date: '2025-12-21',
    needs: ['authors.tier'],
    sql: `ALTER TABLE authors ADD COLUMN tier varchar(20) NOT NULL DEFAULT 'TIER_3';`,
  },
];

/** Production's revision on the day of the review, and staging's, two ahead of it. */
export const productionRevision = 'q0123456cdef';
export const stagingRevision = 's2345678klmn';

/** The migrations that code of revision `head` carries: it does not know any newer one. */
export function migrationsUpTo(head: string): readonly Migration[] {
  const last = migrations.findIndex((migration) => migration.revision === head);
  if (last < 0) throw new Error(`there is no migration ${head}`);
  return migrations.slice(0, last + 1);
}

/** What `head` has that a database at `current` lacks; `undefined` where that code does not know `current`. */
export function pendingMigrations(current: string, head: string): readonly Migration[] | undefined {
  const known = migrationsUpTo(head);
  const position = known.findIndex((migration) => migration.revision === current);
  return position < 0 ? undefined : known.slice(position + 1);
}
