/** Where a row lies in its table's file: its block × 65,536 + its number there. Holds within a snapshot. */
type RowId = number;

const perBlock = 65_536;

/** Rows of one file, ascending. */
export interface RowsOfFile {
  /** The table's number in the catalog. */
  readonly relation: string;
  readonly ids: Float64Array;
}

export function rowsIn(files: readonly RowsOfFile[]): number {
  return files.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** A set of rows of one file: 11 to 21 bytes a row. */
export interface RowIdSet {
  readonly size: number;
  /** Whether it is a new one. */
  add(id: RowId): boolean;
  /** In ascending order. */
  sorted(): Float64Array;
}

/** An open-addressed table of numbers: a `Set` takes three times as much, and ends at 16 million. */
export function rowIdSet(): RowIdSet {
  let slots = new Float64Array(1024); // no row has the number 0
  let size = 0;
  const put = (into: Float64Array, id: RowId): boolean => {
    const mask = into.length - 1;
    for (let at = hash(id) & mask; ; at = (at + 1) & mask) {
      if (into[at] === id) return false;
      if (into[at] !== 0) continue;
      into[at] = id;
      return true;
    }
  };
  const grow = () => {
    const larger = new Float64Array(slots.length * 2);
    for (const id of slots) if (id !== 0) put(larger, id);
    slots = larger;
  };
  return {
    get size() {
      return size;
    },
    add: (id) => {
      if (size >= slots.length * 0.75) grow();
      const added = put(slots, id);
      if (added) size += 1;
      return added;
    },
    sorted: () => slots.filter((id) => id !== 0).toSorted(),
  };
}

function hash(id: RowId): number {
  const mixed = Math.imul(Math.floor(id / perBlock), 0x9e3779b1) ^ Math.imul(id % perBlock, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

const open = '('.charCodeAt(0);
const comma = ','.charCodeAt(0);
const close = ')'.charCodeAt(0);
const zero = '0'.charCodeAt(0);

/** Reads `(0,1)(0,2)…`, as the server writes row ids one behind the other. */
export function eachRowId(text: string, take: (id: RowId) => void): void {
  let block = 0;
  let number = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === open) number = 0;
    else if (code === comma) {
      block = number;
      number = 0;
    } else if (code === close) take(block * perBlock + number);
    else number = number * 10 + code - zero;
  }
}

/** The text of an array of tid. */
export function rowIdArray(ids: ArrayLike<RowId>): string {
  const texts: string[] = [];
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] ?? 0;
    texts.push(`"(${Math.floor(id / perBlock)},${id % perBlock})"`);
  }
  return `{${texts.join(',')}}`;
}

/** So many rows are read by one statement, whose text holds their ids. */
const rowsAtOnce = 20_000;

/** Cuts rows into as many parts as statements will read them. */
export function inParts(files: readonly RowsOfFile[], most = rowsAtOnce): RowsOfFile[] {
  return files.flatMap(({ relation, ids }) =>
    Array.from({ length: Math.ceil(ids.length / most) }, (_, index) => ({
      relation,
      ids: ids.subarray(index * most, (index + 1) * most),
    })),
  );
}

/** The condition that a row is one of these. `ofTree`: the table is read with all its partitions. */
export function isOneOf({ relation, ids }: RowsOfFile, ofTree = false): string {
  return `${ofTree ? `tableoid = ${relation} and ` : ''}ctid = any ('${rowIdArray(ids)}'::pg_catalog.tid[])`;
}
