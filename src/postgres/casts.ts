/** How a column of the incoming table gets its value from staging's row. */
export interface ColumnCast {
  readonly column: string;
  /** Staging's type and the new one's, as SQL writes them. */
  readonly from: string;
  readonly to: string;
  /** SQL over staging's row; absent: staging has no such column, and the new one's default stands. */
  readonly sql?: string;
}
