import * as z from 'zod';
import { RestageError } from '../errors.ts';
import { runId } from './invocation.ts';
import type { RunState } from './run-state.ts';

/** The part of a state that decisions rest on. */
const state = z.looseObject({
  run: runId,
  phase: z.enum(['planning', 'running', 'paused', 'ended']),
  part: z.number(),
  function: z.looseObject({ name: z.string() }),
  startedAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  deadline: z.iso.datetime(),
  pieces: z.number(),
});

const begun = z.looseObject({ run: runId });

/** A run's state as a store has written it, with what later versions may know besides. Throws `report-invalid`. */
export function readState(text: string, place: string): RunState {
  const found = parseKept(text, place);
  if (!state.safeParse(found).success) throw invalid(place);
  return found as RunState; // looked at just now
}

/** The run that an invocation has begun. Throws `report-invalid`. */
export function readBegun(text: string, place: string): string {
  const { data } = begun.safeParse(parseKept(text, place));
  if (!data) throw invalid(place);
  return data.run;
}

/** A file of a run. Throws `report-invalid` for what no run has written, and repeats none of it. */
export function parseKept(text: string, place: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(place);
  return value;
}

function invalid(place: string): RestageError {
  return new RestageError('report-invalid', `${place} is not what restage keeps there`, {
    hint: 'Something else has written it: give target.lambda.runs a prefix of its own.',
  });
}
