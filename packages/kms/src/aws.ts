/**
 * Keys in AWS KMS as key sources.
 *
 * @module
 */

import type { JwsAlgorithm, KeyPlace, KeySettings, KeySource } from '@countersign/core/keys'
import { type AwsKmsClient, createClient, findRegion, loadSdk } from './aws/client.ts'
import { createAwsKeyStore } from './aws/key-store.ts'
import { createKeyStoreSource, type KeyStoreSettings } from './store/key-source.ts'

export type { AwsKmsClient } from './aws/client.ts'

/** A key in AWS KMS. */
export interface AwsKmsOptions {
  /**
   * An alias (`alias/login`), a key id, or the ARN of either. What an alias stands for is looked up, and
   * the key that it is signs by its own ARN.
   */
  readonly keyId: string
  /** A ready `KMSClient`, which stays the caller's to destroy. Default: one is made when first needed. */
  readonly client?: AwsKmsClient | undefined
  /** Default: the region of the ARN, else what the SDK is configured with (`AWS_REGION`). */
  readonly region?: string | undefined
  /** Default: what the SDK is configured with (`AWS_ENDPOINT_URL_KMS`), else that of the region. */
  readonly endpoint?: string | undefined
  /** Default: what the key is made for; for RSA keys RS256. */
  readonly alg?: JwsAlgorithm | undefined
  /** Default: the RFC 7638 thumbprint. With one, the key before is not published after a rotation. */
  readonly kid?: string | undefined
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
  /** Seconds after which the name is looked up again. Default: 60. */
  readonly renewAfter?: number | undefined
}

/**
 * Creates the source of a key in AWS KMS. Nothing is loaded or asked before it is needed.
 *
 * Without `client` the credentials are those of the SDK's usual chain.
 *
 * @example
 * ```ts
 * import { awsKms } from '@countersign/kms/aws'
 *
 * const source = awsKms({ keyId: 'alias/login', region: 'eu-central-1' })
 * ```
 */
export function awsKms(options: AwsKmsOptions): KeySource {
  const { keyId, client, region, endpoint, ...settings } = options
  if (typeof keyId !== 'string' || keyId === '') {
    throw new TypeError('"keyId" must be an alias, a key id or an ARN')
  }
  const place = { keyId, client, region, endpoint }
  return createAwsSource(place, { ...settings, name: `awskms:///${keyId}` })
}

/** Creates the source of the key that an `awskms:` URI names. */
export function createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource {
  const { keyId = '' } = place.parts
  return createAwsSource({ keyId }, { ...settings, name: place.name })
}

function createAwsSource(
  place: Pick<AwsKmsOptions, 'keyId' | 'client' | 'region' | 'endpoint'>,
  settings: KeyStoreSettings,
): KeySource {
  const { keyId, client: ready, region, endpoint } = place
  return createKeyStoreSource(async () => {
    const sdk = await loadSdk()
    const isAlone = settings.kid !== undefined
    if (ready) return createAwsKeyStore({ sdk, client: ready, keyId, isAlone })
    const client = createClient(sdk, { region: findRegion(keyId) ?? region, endpoint })
    return {
      ...createAwsKeyStore({ sdk, client, keyId, isAlone }),
      async close() {
        client.destroy()
      },
    }
  }, settings)
}
