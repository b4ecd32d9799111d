import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'demo/**/*.test.ts', 'examples/**/*.test.ts', 'test/**/*.test.ts'],
    // The servers do most of the work; on two cores one file at a time would leave one idle.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } }, // as long as a busy machine may need
  },
});
