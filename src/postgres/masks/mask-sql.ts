import { RestageError } from '../../errors.ts';
import type { Column, Table } from '../catalog.ts';
import { quoteName } from '../names.ts';
import type { Mask } from '../table-rule.ts';

// A stand-in until the masks are there: not to be kept.
export interface Masked {
  readonly hashes: Readonly<Record<string, string>>;
  readonly sql: string;
}
export function maskSql(mask: Mask, column: Column, _table: Table): Masked {
  const name = quoteName(column.name);
  if (mask === 'null') return { hashes: {}, sql: 'null' };
  if (mask === 'email' || mask === 'hash' || mask === 'name') {
    const hash = `restage ${column.name}`;
    return {
      hashes: { [hash]: `pg_catalog.encode(pg_catalog.sha256(${name}::text::bytea), 'hex')` },
      sql: `case when ${name}::text = '' then '' else pg_catalog.left(${quoteName(hash)}, 16) ${mask === 'email' ? `|| '@example.com'` : ''} end`,
    };
  }
  if (typeof mask === 'object' && 'json' in mask) {
    const hash = `restage ${column.name}`;
    return {
      hashes: { [hash]: `pg_catalog.encode(pg_catalog.sha256(${name}::text::bytea), 'hex')` },
      sql: `pg_catalog.jsonb_build_object('masked', ${quoteName(hash)})`,
    };
  }
  throw new RestageError('internal', 'not yet');
}
