import { stripVTControlCharacters } from 'node:util';

/** 4709 → 4,709 */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}

/** 1 object, 2 objects */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** In powers of 1,000, as S3's console and disks are sold: 1_700_000_000 → 1.7 GB */
export function bytes(number: number): string {
  let value = Math.round(number);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return value === 1 ? '1 byte' : `${value} bytes`;
  return `${value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** Memory, as the settings of a function have it: 536870912 → 512 MiB */
export function mebibytes(number: number): string {
  return `${count(number / 1024 / 1024)} MiB`;
}

/** Milliseconds as people say them: 840 ms, 4.2 s, 3 min 20 s, 1 h 5 min */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Of a setting, in whole seconds: 900 → 15 min */
export function timeOut(seconds: number): string {
  return duration(seconds * 1000).replace(/(?<= (?:min|h)) 0 (?:s|min)$|\.0(?= s$)/, '');
}

/** ISO 8601 without the fraction, in UTC: 2025-12-22 14:03:11 UTC */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** With a capital. */
export function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** A text as a sentence of its own: a capital, and a full stop. */
export function sentence(text: string): string {
  return `${capital(text)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** Rows of cells as aligned columns; numbers to the right. */
export function columns(
  rows: readonly (readonly string[])[],
  align: readonly ('left' | 'right')[],
  indent = '',
): string[] {
  const widths = align.map((_, index) => Math.max(0, ...rows.map((row) => width(row[index] ?? ''))));
  return rows.map((row) => {
    const cells = row.map((cell, index) => {
      const pad = ' '.repeat((widths[index] ?? 0) - width(cell));
      return align[index] === 'right' ? pad + cell : cell + pad;
    });
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}

/** Without the escapes of colours. */
function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
