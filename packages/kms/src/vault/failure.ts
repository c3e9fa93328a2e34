/**
 * What an error of Vault means.
 *
 * Its words count more than its status: the same fault of a key is a 400 in one release and a 500 in
 * another.
 *
 * @module
 */

import type { Failure } from '../store/key-store.ts'
import { VaultError, VaultSilence } from './client.ts'

/** Which key an error is about. */
export interface VaultKeyPlace {
  readonly mount: string
  readonly key: string
}

/** Reads an error; `undefined` when it is none of Vault's, or means nothing that is known. */
export function readVaultFailure(error: unknown, place: VaultKeyPlace): Failure | undefined {
  if (error instanceof VaultError) {
    return (
      readProxy(error) ?? readBusy(error) ?? readAccess(error, place) ?? readKeyFault(error, place)
    )
  }
  return error instanceof VaultSilence ? readNetworkFault(error.cause) : undefined
}

/** A proxy that knows no way to Vault says nothing about a key. */
function readProxy({ status, isOfVault, retryAfter }: VaultError): Failure | undefined {
  if (status !== 404 || isOfVault) return undefined
  const remedy = 'something else than Vault answers there: check its address, and the proxy'
  return { reason: 'unavailable', remedy, retryAfter }
}

/** Vault cannot answer now. What the words say of a key comes first, whatever the status. */
function readBusy({ status, said, retryAfter }: VaultError): Failure | undefined {
  if (keyFaults.some(([pattern]) => pattern.test(said))) return undefined
  if (status === 429) {
    const remedy = 'raise the rate limit quota of Vault, or sign less often'
    return { reason: 'throttled', remedy, retryAfter }
  }
  if (/sealed/i.test(said)) return { reason: 'unavailable', remedy: 'unseal Vault', retryAfter }
  if (status === 472 || status === 473 || /standby|not active/i.test(said)) {
    const remedy = 'it is a standby node: set the address of the load balancer or of the active one'
    return { reason: 'unavailable', remedy, retryAfter }
  }
  // 412: a node that has not yet seen what another one has written
  return status >= 500 || status === 412 ? { reason: 'unavailable', retryAfter } : undefined
}

function readAccess(
  { purpose, status, isTokenValid }: VaultError,
  { mount, key }: VaultKeyPlace,
): Failure | undefined {
  if (purpose === 'login' || purpose === 'renew') {
    const remedy =
      'Vault refused the login: check the role and its mount, and whether the secret id or the ' +
      'service account is still accepted'
    return { reason: 'credentials', remedy }
  }
  if (status !== 403) return undefined
  if (!isTokenValid) {
    const remedy =
      'the token has expired or was revoked, or is of another namespace; one without the policy ' +
      '"default" may also lack those for the key'
    return { reason: 'credentials', remedy }
  }
  const remedy =
    `the token needs a policy with "read" on ${mount}/keys/${key} and "update" on ` +
    `${mount}/sign/${key}`
  return { reason: 'denied', remedy }
}

type KeyFault = (place: VaultKeyPlace) => Failure

const keyFaults: readonly (readonly [pattern: RegExp, build: KeyFault])[] = [
  [
    /less than the minimum/i,
    () => ({
      reason: 'disabled',
      remedy: 'this version is below "min_encryption_version" of the key',
    }),
  ],
  [
    /no such key version/i,
    () => ({
      reason: 'disabled',
      remedy: 'this version was trimmed, or is below "min_decryption_version" of the key',
    }),
  ],
  [/soft[- ]deleted/i, () => ({ reason: 'disabled', remedy: 'restore it, or name another key' })],
  [
    /does not contain a private part/i,
    () => ({ reason: 'disabled', remedy: 'only its public half was imported' }),
  ],
  [
    /higher than the latest/i,
    () => ({ reason: 'not-found', remedy: 'it has no such version: name one that it has' }),
  ],
  [
    /key not found/i,
    ({ mount, key }) => ({
      reason: 'not-found',
      remedy: `there is no key ${key} in ${mount}/: check its name, the mount and the namespace`,
    }),
  ],
  [
    /no handler for route|unsupported path/i,
    ({ mount }) => ({
      reason: 'not-found',
      remedy: `there is no Transit engine at ${mount}/: check the mount and the namespace`,
    }),
  ],
  [
    /namespace not found/i,
    () => ({ reason: 'not-found', remedy: 'there is no such namespace: check its name' }),
  ],
  [
    /does not support signing|not supported for key type|invalid hash|salt length/i,
    () => ({ reason: 'unsupported-algorithm' }),
  ],
]

function readKeyFault({ status, said }: VaultError, place: VaultKeyPlace): Failure | undefined {
  const known = keyFaults.find(([pattern]) => pattern.test(said))
  if (known) return known[1](place)
  if (status !== 404) return undefined
  const { mount, key } = place
  const remedy = `there is no key ${key} in ${mount}/: check its name, the mount and the namespace`
  return { reason: 'not-found', remedy }
}

/** How OpenSSL and Node call a certificate that is not trusted. */
const untrusted = /CERT|SIGNATURE|ALTNAME|ISSUER|CHAIN/

function readNetworkFault({ cause }: TypeError): Failure {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (untrusted.test(code)) {
    const remedy =
      'its TLS certificate is not trusted: name the certificate of its authority in ' +
      'NODE_EXTRA_CA_CERTS'
    return { reason: 'unavailable', remedy }
  }
  return { reason: 'unavailable', retryAfter: 0 }
}
