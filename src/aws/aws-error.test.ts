import { expect, test } from 'vitest';
import { unreachable } from './aws-error.ts';

const lost = Object.assign(new Error('connect ETIMEDOUT 10.0.0.1:443'), { code: 'ETIMEDOUT' });

test.each(['secretsmanager', 'ssm', 'sts', 'lambda'] as const)(
  'a service that cannot be reached is told with its address, and what a VPC lacks: %s',
  (service) => {
    expect(unreachable(lost, { region: 'eu-west-1', endpoints: {} }, service)).toMatchObject({
      code: 'aws-unreachable',
      message: `cannot reach https://${service}.eu-west-1.amazonaws.com: connect ETIMEDOUT 10.0.0.1:443`,
      hint: expect.stringContaining(
        `a NAT gateway, or the interface endpoint com.amazonaws.eu-west-1.${service} with private DNS`,
      ),
    });
  },
);

test('a stand-in that cannot be reached is told with its setting; what AWS has said is not this', () => {
  const account = { region: 'eu-west-1', endpoints: { ssm: 'http://127.0.0.1:1' } };
  expect(unreachable(lost, account, 'ssm')).toMatchObject({ hint: expect.stringContaining('aws.endpoints.ssm') });
  const said = Object.assign(new Error('no'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } });
  expect(unreachable(said, account, 'ssm')).toBeUndefined();
});
