import { defineConfig } from 'vitest/config';

// What takes long or needs the registry: npm run test:slow, which .ci/run calls.
export default defineConfig({
  test: {
    include: ['test/**/*.slow.ts'],
    // As in npm test: the servers do most of the work.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } }, // as long as a busy machine may need
  },
});
