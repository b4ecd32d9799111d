import type { Account, Keys } from './account.ts';

/** The services that are asked, by the names that their hosts begin with. */
export type ServiceName = 'sts' | 'secretsmanager' | 'rds' | 'lambda' | 'ssm';

/** How long AWS may take: an endpoint that a VPC has no route to never answers. */
const patience = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 5000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;

/** What the SDK would otherwise take from AWS_… in the environment, or from the profile that AWS_PROFILE names. */
export const nothingAmbient = {
  ...patience,
  ignoreConfiguredEndpointUrls: true,
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  retryMode: 'standard',
  defaultsMode: 'standard',
} as const;

/** The settings of a service's client that does nothing but what the account says. */
export function clientOf(
  account: Pick<Account, 'region' | 'endpoints' | 'keys'>,
  service: ServiceName,
): typeof nothingAmbient & { readonly region: string; readonly credentials: () => Promise<Keys>; endpoint?: string } {
  const { region, keys } = account;
  const endpoint = endpointOf(account, service);
  return { ...nothingAmbient, region, credentials: () => keys(), ...(endpoint === undefined ? {} : { endpoint }) };
}

function endpointOf({ endpoints }: Pick<Account, 'endpoints'>, service: ServiceName): string | undefined {
  return endpoints[service === 'secretsmanager' ? 'secretsManager' : service];
}

/** Where a service is spoken to, in words. */
export function placeOf(account: Pick<Account, 'region' | 'endpoints'>, service: ServiceName): string {
  const suffix = account.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return endpointOf(account, service) ?? `https://${service}.${account.region}.${suffix}`;
}
