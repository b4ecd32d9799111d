import { defineConfig } from 'vitest/config';

// What takes long or needs the registry: npm run test:slow, which .ci/run calls.
export default defineConfig({
  test: { include: ['test/**/*.slow.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
});
