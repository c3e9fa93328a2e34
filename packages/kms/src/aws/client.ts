/**
 * The client of AWS KMS: one that the SDK makes here, or one that is ready.
 *
 * @module
 */

import type {
  DescribeKeyCommand,
  DescribeKeyCommandOutput,
  GetPublicKeyCommand,
  GetPublicKeyCommandOutput,
  SignCommand,
  SignCommandOutput,
} from '@aws-sdk/client-kms'
import { isLoopback } from '@countersign/core/keys'
import { StoreFault } from '../store/key-store.ts'
import { loadPeer } from '../store/peer.ts'

/** What is needed of a `KMSClient`. */
export interface AwsKmsClient {
  send(
    command: GetPublicKeyCommand,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<GetPublicKeyCommandOutput>
  send(
    command: DescribeKeyCommand,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<DescribeKeyCommandOutput>
  send(
    command: SignCommand,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<SignCommandOutput>
}

/** The package of the SDK. */
export type AwsKmsSdk = typeof import('@aws-sdk/client-kms')

/** Where a client asks. */
export interface AwsClientSettings {
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
}

/**
 * Of what hangs once there is time for another attempt before the deadline. Without the last one the SDK
 * only writes a warning, and waits on.
 */
const requestHandler = {
  connectionTimeout: 1000,
  requestTimeout: 2000,
  throwOnRequestTimeout: true,
}

/** Loads the SDK. */
export function loadSdk(): Promise<AwsKmsSdk> {
  return loadPeer('@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'))
}

/**
 * Creates a client. The SDK finds what is not named here in the environment and in its shared files, so
 * where it asks is only known when it does.
 */
export function createClient(
  { KMSClient }: AwsKmsSdk,
  { region, endpoint }: AwsClientSettings,
): AwsKmsClient & { destroy(): void } {
  const client = new KMSClient({
    requestHandler,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  })
  client.middlewareStack.add(
    (next) => async (args) => {
      if (isSafeEndpoint(args.request)) return await next(args)
      const fault = 'the endpoint ("endpoint", AWS_ENDPOINT_URL_KMS) must be an https: URL'
      throw new StoreFault('unavailable', fault, fault)
    },
    { step: 'build', name: 'countersignEndpoint' },
  )
  return client
}

/**
 * Whether nobody on the way can answer in the place of AWS KMS: the public key that it names is
 * published. Plain http is for this very machine.
 */
export function isSafeEndpoint(endpoint: unknown): boolean {
  if (typeof endpoint !== 'object' || endpoint === null) return false
  if (!('protocol' in endpoint && 'hostname' in endpoint)) return false
  const { protocol, hostname } = endpoint
  const isLocal = protocol === 'http:' && isLoopback({ hostname: String(hostname) })
  return protocol === 'https:' || isLocal
}

/** Finds the regions in the ARNs of keys and aliases. */
export function findRegions(names: readonly string[]): readonly string[] {
  const regions = names.flatMap((name) => /^arn:[\w-]+:kms:([\w-]+):/.exec(name)?.[1] ?? [])
  return [...new Set(regions)]
}
