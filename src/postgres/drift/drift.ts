/** How two databases differ in what they are made of, object by object. */
export interface Drift {
  /** How many objects were compared: those of either. */
  readonly objects: number;
  /** In the order of schema, table and name. */
  readonly differences: readonly DriftedObject[];
}

export interface DriftedObject {
  readonly kind: ObjectKind;
  /** As people write it: bare in public, else with its schema; a column, constraint, trigger or policy behind its table. */
  readonly name: string;
  /** The table or view that it belongs to, or is. */
  readonly table?: string;
  /** How each has it, without secrets; absent where it has none. A long one shows what stands around the first difference. */
  readonly source?: string;
  readonly target?: string;
}

export type ObjectKind =
  | 'schema'
  | 'extension'
  | 'table'
  | 'column'
  | 'constraint'
  | 'index'
  | 'enum'
  | 'domain'
  | 'type'
  | 'function'
  | 'view'
  | 'materialized view'
  | 'sequence'
  | 'trigger'
  | 'rule'
  | 'policy'
  | 'statistics';
