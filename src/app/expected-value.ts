/** One value that an application must tell, and what it must be: every comparison that is there must hold. */
export interface ExpectedValue {
  readonly end: 'source' | 'target';
  readonly path: string;
  readonly read: string;
  readonly equals?: string | number | boolean;
  readonly not?: string | number | boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** A regular expression. */
  readonly matches?: string;
}
