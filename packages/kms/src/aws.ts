/**
 * Keys in AWS KMS as key sources.
 *
 * @module
 */

import {
  type JwsAlgorithm,
  KeyError,
  type KeyPlace,
  type KeySettings,
  type KeySource,
} from '@countersign/core/keys'
import {
  type AwsKmsClient,
  createClient,
  findRegions,
  isSafeEndpoint,
  loadSdk,
} from './aws/client.ts'
import { createAwsKeyStore } from './aws/key-store.ts'
import { createKeyStoreSource, type KeyStoreSettings } from './store/key-source.ts'

export type { AwsKmsClient } from './aws/client.ts'

/** A key in AWS KMS. */
export interface AwsKmsOptions {
  /**
   * An alias (`alias/login`), a key id, or the ARN of either. What an alias stands for is looked up, and
   * the key that it is signs by its own ARN.
   *
   * Several are versions of one key (`['alias/login-1', 'alias/login-2']`): each signs when it is `wait`
   * seconds old, by when AWS KMS made it, so that all replicas change at the same moment. A name that
   * stands for no key, or for a disabled one, is left out as long as there is another. An alias alone is
   * another key's as soon as a replica sees it, and the key before is published for 10 minutes.
   */
  readonly keyId: string | readonly string[]
  /** A ready `KMSClient`, which stays the caller's to destroy. Default: one is made when first needed. */
  readonly client?: AwsKmsClient | undefined
  /** Default: the region of the ARN, else what the SDK is configured with (`AWS_REGION`). */
  readonly region?: string | undefined
  /**
   * `https:`, or `http:` on this very machine. Default: what the SDK is configured with
   * (`AWS_ENDPOINT_URL_KMS`), else that of the region.
   */
  readonly endpoint?: string | undefined
  /** Default: what the key is made for; for RSA keys RS256. */
  readonly alg?: JwsAlgorithm | undefined
  /** Default: the RFC 7638 thumbprint. Only for one key that is named by its id or its ARN. */
  readonly kid?: string | undefined
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
  /** Of several names: seconds from the making of a key until it signs. Default: a day. */
  readonly wait?: number | undefined
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
  const names = typeof keyId === 'string' ? [keyId] : keyId
  const fault = findFault(names, settings.kid)
  if (fault !== undefined) throw new TypeError(fault)
  if (endpoint !== undefined && !(URL.canParse(endpoint) && isSafeEndpoint(new URL(endpoint)))) {
    throw new TypeError('"endpoint" must be an https: URL')
  }
  const place = { names, client, region, endpoint }
  return createAwsSource(place, { ...settings, name: `awskms:///${names.join()}` })
}

/**
 * Creates the source of the key that an `awskms:` URI names.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE` when its names do not go together
 */
export function createUriKeySource(place: KeyPlace, settings: KeySettings): KeySource {
  const { name, wait, parts } = place
  const names = (parts['keyId'] ?? '').split(',')
  const fault = findFault(names, settings.kid)
  if (fault !== undefined) throw new KeyError('ERR_KEY_UNAVAILABLE', `${name}: ${fault}`)
  return createAwsSource({ names }, { ...settings, wait, name })
}

/** What is wrong with the names of a key. */
function findFault(names: readonly string[], kid: string | undefined): string | undefined {
  const isName = (name: unknown) => typeof name === 'string' && /^[\w/:-]+$/.test(name)
  const areNames = Array.isArray(names) && names.length > 0 && names.every(isName)
  if (!areNames) return '"keyId" must be an alias, a key id or an ARN, or several of them'
  if (findRegions(names).length > 1) return '"keyId" must name keys of one region'
  const isOneKey = names.length === 1 && !names.join().includes('alias/')
  if (kid === undefined || isOneKey) return undefined
  return '"kid" names one key for ever: name that key by its id or its ARN, and no other'
}

function createAwsSource(
  place: Pick<AwsKmsOptions, 'client' | 'region' | 'endpoint'> & {
    readonly names: readonly string[]
  },
  settings: KeyStoreSettings,
): KeySource {
  const { names, client: ready, region, endpoint } = place
  return createKeyStoreSource(async () => {
    const sdk = await loadSdk()
    const { alg } = settings
    if (ready) return createAwsKeyStore({ sdk, client: ready, names, alg })
    const client = createClient(sdk, { region: findRegions(names)[0] ?? region, endpoint })
    return {
      ...createAwsKeyStore({ sdk, client, names, alg }),
      async close() {
        client.destroy()
      },
    }
  }, settings)
}
