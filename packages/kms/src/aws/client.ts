/**
 * The client of AWS KMS: one that the SDK makes here, or one that is ready.
 *
 * @module
 */

import type {
  GetPublicKeyCommand,
  GetPublicKeyCommandOutput,
  SignCommand,
  SignCommandOutput,
} from '@aws-sdk/client-kms'
import { loadPeer } from '../store/peer.ts'

/** What is needed of a `KMSClient`. */
export interface AwsKmsClient {
  send(
    command: GetPublicKeyCommand,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<GetPublicKeyCommandOutput>
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

/** Creates a client. The SDK finds what is not named here in the environment and in its shared files. */
export function createClient(
  { KMSClient }: AwsKmsSdk,
  { region, endpoint }: AwsClientSettings,
): AwsKmsClient & { destroy(): void } {
  return new KMSClient({
    requestHandler,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  })
}

/** Finds the region in the ARN of a key or an alias. */
export function findRegion(keyId: string): string | undefined {
  return /^arn:[\w-]+:kms:([\w-]+):/.exec(keyId)?.[1]
}
