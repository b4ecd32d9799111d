import type { TableName } from '../names.ts';

/** What becomes of a table: plain JSON, as the plan holds it; every default filled in. */
export interface TableRule {
  /** Whose rows it has in the end: the source's, nobody's, staging's own, or the source's and staging's own. */
  readonly rows: 'copy' | 'empty' | 'keep' | 'merge';
  /** The config says `copy` in so many words: all its rows come, also where a subset would take some. */
  readonly whole?: true;
  /** SQL: which of the source's rows. */
  readonly where?: string;
  /** SQL, evaluated by the target: which of staging's own rows; absent: all of them. */
  readonly ownWhere?: string;
  /** Which row stays where one of staging's own has the same key, or another unique value, as one of the source's. */
  readonly onCollision: 'source' | 'target' | 'fail';
  /** What becomes of a row whose parent is not there. */
  readonly onOrphan: 'fail' | 'drop' | 'null';
  /** What stands in a column instead of the source's value, by the column's name. */
  readonly columns: Readonly<Record<string, ColumnRule>>;
  /** Text that is replaced in every text, varchar, json and jsonb column that has no rule of its own, in this order. */
  readonly rewrite: readonly Rewrite[];
  readonly carry?: Carry;
  /** Columns that may look personal and are copied as they are. */
  readonly allow: readonly string[];
}

export type ColumnRule =
  | { readonly kind: 'set'; readonly sql: string }
  | {
      readonly kind: 'mask';
      readonly mask: Mask;
      /** The column that this one refers to, where it has the mask from there: `users.email`. */
      readonly by?: string;
    };

export interface Rewrite {
  readonly from: string;
  readonly to: string;
}

/** The target's present values, for rows that are there already. */
export interface Carry {
  /** The columns by which a row of the target is known to be the same; masked or not. */
  readonly match: readonly string[];
  readonly columns: readonly string[];
}

/** The masks that need no settings. */
export const maskNames = [
  'email',
  'name',
  'firstName',
  'lastName',
  'phone',
  'address',
  'city',
  'postcode',
  'company',
  'url',
  'ip',
  'uuid',
  'username',
  'password-hash',
  'token',
  'iban',
  'card',
  'text',
  'hash',
  'redact',
  'null',
] as const;

export type MaskName = (typeof maskNames)[number];

/** A mask, as the config writes it. */
export type Mask =
  | MaskName
  /** By at most so many days, the same for all rows with the same value in `by`; absent: the primary key. */
  | { readonly date: { readonly shiftDays: number; readonly by?: string } }
  /** By at most so many percent; the sign stays. */
  | { readonly number: { readonly noise: number } }
  | { readonly constant: string | number | boolean }
  /** Of json or jsonb, by path: `contact.email`, `orders[*].iban`. */
  | { readonly json: Readonly<Record<string, Mask>> }
  | { readonly sql: string };

/** The mask in one word: `email`, `date`, `json`. */
export function maskKind(mask: Mask): string {
  return typeof mask === 'string' ? mask : (Object.keys(mask)[0] ?? '');
}

/** Whether a mask chooses by the key. */
export function needsKey(mask: Mask): boolean {
  if (typeof mask === 'string') return mask !== 'null' && mask !== 'redact';
  if ('json' in mask) return Object.values(mask.json).some(needsKey);
  return 'date' in mask || 'number' in mask;
}

/** Nothing of the source's is read. `rows` is any text where it comes from a report. */
export function hasNoRows(rule: { readonly rows: string } | undefined): boolean {
  return rule?.rows === 'empty' || rule?.rows === 'keep';
}

/** Whether some of the source's rows stay behind. */
export function limitsRows(rule: { readonly rows: string; readonly where?: string | undefined } | undefined): boolean {
  return hasNoRows(rule) || rule?.where !== undefined;
}

/** A part of the source: what the starting rows need, along foreign keys. */
export interface Subset {
  /** The rows to start from. */
  readonly from: readonly StartingRows[];
  /** Tables whose rows come along when they refer to a starting row, or to one that came along so; `where`: SQL, only those. */
  readonly children: readonly { readonly table: TableName; readonly where?: string }[];
  /** Rows that come in any case. */
  readonly also: readonly StartingRows[];
  /** References that the schema does not declare. */
  readonly references: readonly Reference[];
}

/** Rows of a table, and of those that are parts of it or inherit from it. */
export interface StartingRows {
  readonly table: TableName;
  /** SQL; absent: all of them. */
  readonly where?: string;
  /** Without the tables that inherit from it. */
  readonly only?: true;
}

/** One column that refers to another. */
export interface Reference {
  readonly table: TableName;
  readonly column: string;
  readonly parent: TableName;
  readonly parentColumn: string;
}

/** The rule of a table that has none. */
export const plainRule: TableRule = {
  rows: 'copy',
  onCollision: 'fail',
  onOrphan: 'fail',
  columns: {},
  rewrite: [],
  allow: [],
};
