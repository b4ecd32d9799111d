import { expect, test } from 'vitest';
import { matchesHost } from './expected-host.ts';

test.each([
  ['*.rds.amazonaws.com', 'shop.cluster-cp4c.us-west-2.rds.amazonaws.com'],
  ['*.RDS.amazonaws.com', 'Shop.rds.AmazonAWS.com.'],
  ['staging-*.example.*', 'staging-db.example.internal'],
  ['127.0.0.1', '127.0.0.1'],
  ['*', 'anything'],
])('%s fits %s', (pattern, host) => {
  expect(matchesHost(pattern, host)).toBe(true);
});

test.each([
  ['*.rds.amazonaws.com', 'shop.rds.amazonaws.com.example.com'],
  ['*.rds.amazonaws.com', 'rds.amazonaws.com'],
  ['*.rds.amazonaws.com', 'shoprdsXamazonaws.com'],
  ['staging.*', 'production.staging.example.com'],
  ['db?', 'dbs'],
  ['[a-z]', 'b'],
])('%s does not fit %s', (pattern, host) => {
  expect(matchesHost(pattern, host)).toBe(false);
});
