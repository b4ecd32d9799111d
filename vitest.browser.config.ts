import { defineConfig } from 'vitest/config';

// The report's page, in a browser: npm run test:browser, which .ci/run calls.
export default defineConfig({
  test: { include: ['test/**/*.browser.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
});
