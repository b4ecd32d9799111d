import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'demo/**/*.test.ts', 'examples/**/*.test.ts', 'test/**/*.test.ts'],
    // The servers do most of the work; on two cores one file at a time would leave one idle.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
