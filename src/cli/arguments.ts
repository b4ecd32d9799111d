import { InvalidArgumentError } from 'commander';
import { isRunId } from '../index.ts';
import type { Only } from './frame.ts';

// What stands beside an option must be; commander tells what is thrown beside its name.

function parseOnly(value: string): Only {
  if (value === 'database' || value === 'objects') return value;
  throw new InvalidArgumentError('It is database or objects.');
}

export function parsePercent(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && number >= 0 && number <= 100) return number;
  throw new InvalidArgumentError('It is a number from 0 to 100.');
}

export function parseCount(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= 1) return number;
  throw new InvalidArgumentError('It is a whole number from 1.');
}

export function parseEnd(value: string): 'source' | 'target' {
  if (value === 'source' || value === 'target') return value;
  throw new InvalidArgumentError('It is source or target.');
}

/** What a report can be read as. */
export type Format = 'text' | 'md' | 'html' | 'json';

export function parseFormat(value: string): Format {
  if (value === 'text' || value === 'md' || value === 'html' || value === 'json') return value;
  throw new InvalidArgumentError('It is text, md, html or json.');
}

export const onlyOption = ['--only <what>', 'database or objects', parseOnly] as const;

/** Where a command does its work. */
export type Place = 'local' | 'lambda';

function parsePlace(value: string): Place {
  if (value === 'local' || value === 'lambda') return value;
  throw new InvalidArgumentError('It is local or lambda.');
}

export const onOption = [
  '--on <place>',
  'local, or lambda: the database by the function of target.lambda, which stands beside it',
  parsePlace,
] as const;

/** The same where what a function keeps is read, and the function is not asked. */
export const keptOnOption = [
  '--on <place>',
  'local, or lambda: the runs that the function of target.lambda keeps, in target.lambda.runs',
  parsePlace,
] as const;

/** A run is found by its id alone: what is none is no path, and not looked for. */
export function parseRun(value: string): string {
  if (isRunId(value)) return value;
  throw new InvalidArgumentError('The id of a run is like 20260131-031500-4f2a.');
}

export function parseRunBeginning(value: string): string {
  if (value !== '' && isRunId(`${value}${idForm.slice(value.length)}`)) return value;
  throw new InvalidArgumentError('The id of a run is like 20260131-031500-4f2a; its beginning will do.');
}

const idForm = '00000000-000000-0000';
