import { defineConfig } from 'vitest/config';

// The tests of objects, on a server that nobody here wrote: npm run test:ceph, which .ci/run calls.
export default defineConfig({
  test: {
    include: ['test/store/**/*.test.ts', 'test/store/**/*.ceph.ts', 'test/objects-*.test.ts'],
    provide: { store: "Ceph's gateway" },
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } }, // as long as a busy machine may need
  },
});
