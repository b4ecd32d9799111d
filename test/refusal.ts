import { expect } from 'vitest';
import type { ErrorCode, Failure, Finding } from '../src/index.ts';
import { exitCodes } from '../src/index.ts';
import type { Scene } from './scene.ts';

/** How a run that cannot start must end. */
export interface Refusal {
  readonly code: ErrorCode;
  /** What the message must hold: the name and the place. */
  readonly says: readonly (string | RegExp)[];
  /** What the hint must hold; left out where the message itself lists what to do. */
  readonly hints?: string | RegExp;
}

/**
 * Types `restage sync --yes --json …` (or another command) and requires a refusal: a sentence and a hint on stderr
 * without a stack trace, one JSON document with `error` on stdout, the exit code of the error, and nothing written.
 */
export async function requireRefusal(scene: Scene, args: readonly string[], refusal: Refusal): Promise<void> {
  const before = await scene.staging();
  await scene.environment.aws.resetRequests();
  const command = ['plan', 'verify', 'sync'].includes(args[0] ?? '') ? args : ['sync', '--yes', ...args];
  const { code, stdout, stderr } = await scene.restage(...command, '--json');
  expect([code, stderr]).toEqual([exitCodes[refusal.code], expect.anything()]);
  // Its fields are looked at one by one.
  const { error, findings = [], ...rest } = JSON.parse(stdout) as { error: Failure; findings?: readonly Finding[] };
  expect([rest, error.code]).toEqual([{}, refusal.code]);
  for (const { verdict } of findings) expect(['wrong', 'not-tried']).toContain(verdict);
  for (const text of refusal.says) {
    expect(error.message).toMatch(text);
    expect(stderr).toMatch(text);
  }
  if (refusal.hints !== undefined) {
    expect(error.hint ?? `no hint to ${error.message}`).toMatch(refusal.hints);
    expect(stderr).toMatch(refusal.hints);
  }
  expect(stderr).not.toMatch(/\n\s+at |node:internal|Error:/);
  expect(await scene.writes()).toBe(0);
  expect(await scene.staging()).toEqual(before);
  expect((await scene.runFiles()).size).toBe(0);
}
