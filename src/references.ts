/** How the keys that rows name and the objects of the target's bucket meet. */
export interface ReferenceCheck {
  readonly bucket: string;
  /** `table.column`, as the config names them. */
  readonly columns: readonly string[];
  /** Different keys that rows name. */
  readonly named: number;
  /** Of them, those that the target's bucket has not, though the source's has; with some of them. */
  readonly missing: KeySample;
  /** Those that neither bucket has. */
  readonly absent: KeySample;
  /** Objects of the target's bucket that no row names. */
  readonly unnamed: KeySample;
}

export interface KeySample {
  readonly keys: number;
  readonly examples: readonly string[];
}
