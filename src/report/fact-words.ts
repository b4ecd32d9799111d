import { shown } from '../app/shown.ts';
import type { TableRule } from '../postgres/rules/table-rule.ts';
import type { ContentCheck } from '../s3/content.ts';
import type { Facts } from '../facts.ts';
import { bytes, count, counted } from './format.ts';

// Facts of steps that are told in several places, in words.

/** cognito_sub by email */
export function carryText({ columns, match }: NonNullable<TableRule['carry']>): string {
  return `${columns.join(', ')} by ${match.join(', ')}`;
}

/** What reading objects back has shown, behind the figures of the listings. */
export function contentText(content: ContentCheck | undefined): string {
  if (!content) return '';
  const read = `; ${counted(content.checked.objects, 'object')} read back, ${bytes(content.checked.bytes)}`;
  return content.differences === 0 ? `${read}: all equal` : `${read}: ${count(content.differences)} different`;
}

/** What was written to the source while it was being copied: told, and no fault. */
export function newerText(objects: number): string {
  return objects === 0 ? '' : `, ${count(objects)} written to the source since`;
}

/** 153 at the source, 153 at the target; or beside the rows of a table. */
export function totalText({ table }: { readonly table?: string }, { source, target }: Facts['compare-total']): string {
  return table === undefined
    ? `${shown(source)} at the source, ${shown(target)} at the target`
    : `${shown(target)} at the target, where ${table} has ${shown(source)} rows`;
}
