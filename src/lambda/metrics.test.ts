import { expect, test } from 'vitest';
import { metricsLine } from './metrics.ts';

const measured = {
  function: 'shop-sync',
  target: 'staging',
  figures: { Succeeded: 1, Failed: 0, DurationMs: 4200 },
  properties: { action: 'sync', run: '20261122-030000-ab12', code: undefined },
};

test('a line is what CloudWatch makes metrics of', () => {
  expect(JSON.parse(metricsLine(measured, 1_795_000_000_000))).toEqual({
    _aws: {
      Timestamp: 1_795_000_000_000,
      CloudWatchMetrics: [
        {
          Namespace: 'restage',
          Dimensions: [['target', 'function'], ['function']],
          Metrics: [
            { Name: 'Succeeded', Unit: 'Count' },
            { Name: 'Failed', Unit: 'Count' },
            { Name: 'DurationMs', Unit: 'Milliseconds' },
          ],
        },
      ],
    },
    target: 'staging',
    function: 'shop-sync',
    Succeeded: 1,
    Failed: 0,
    DurationMs: 4200,
    action: 'sync',
    run: '20261122-030000-ab12',
  });
});

test('what fails before the target is known is counted of the function', () => {
  const { target: _target, ...rest } = measured;
  const line = JSON.parse(metricsLine({ ...rest, figures: { Failed: 1 } })) as typeof measured & {
    readonly _aws: { readonly CloudWatchMetrics: readonly { readonly Dimensions: unknown }[] };
  };
  expect(line._aws.CloudWatchMetrics[0]?.Dimensions).toEqual([['function']]);
  expect(line).not.toHaveProperty('target');
});
