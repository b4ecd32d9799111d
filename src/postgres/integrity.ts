/** What was looked at, and what does not hold, in whole sentences. */
export interface Integrity {
  readonly constraints: number;
  readonly indexes: number;
  readonly sequences: number;
  readonly wrong: readonly string[];
}
