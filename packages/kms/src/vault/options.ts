/**
 * What is configured for a key in Vault, and whether it can be right.
 *
 * @module
 */

import { isLoopback, type JwsAlgorithm } from '@countersign/core/keys'
import { isObject } from './client.ts'
import type { VaultAuth } from './login.ts'

/** What is configured for a key in Vault. */
export interface VaultTransitOptions {
  readonly key: string
  /** Where the Transit engine is. Default: "transit". */
  readonly mount?: string | undefined
  /** One version of the key and no other, as an explicit `kid` needs. Default: all that may sign. */
  readonly version?: number | undefined
  /** `https:`, or `http:` on this very machine. */
  readonly address: string | URL
  readonly namespace?: string | undefined
  readonly auth: VaultAuth
  /** Asks in the place of node's own: for a proxy, or a certificate authority of one's own. */
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly alg?: JwsAlgorithm | undefined
  readonly kid?: string | undefined
  /** NumericDate. */
  readonly notBefore?: number | undefined
  /** NumericDate. */
  readonly notAfter?: number | undefined
  /** Seconds from the making of a new version until it signs. Default: a day. */
  readonly wait?: number | undefined
  /** Seconds after which the versions are looked at again. Default: 60. */
  readonly renewAfter?: number | undefined
}

/** What was configured, checked. */
export interface CheckedVaultOptions {
  readonly key: string
  readonly mount: string
  readonly version: number | undefined
  readonly address: URL
  readonly namespace: string | undefined
  readonly auth: VaultAuth
  readonly fetch: typeof globalThis.fetch
}

/** Checks the options. */
export function checkVaultOptions(options: VaultTransitOptions): CheckedVaultOptions {
  const { mount = 'transit', fetch = globalThis.fetch, ...others } = options
  const { key, version, address, namespace, auth, kid } = others
  check(isText(key) && /^\w(?:[\w.-]*\w)?$/.test(key), '"key" must be the name of a key of Vault')
  check(isPath(mount), '"mount" must be a path of Vault without a "/" at its ends: team/transit')
  const isNumber = Number.isSafeInteger(version) && Number(version) > 0
  check(version === undefined || isNumber, '"version" must be the number of a version, 1 or more')
  const fault = findAddressFault(String(address)) ?? findNamespaceFault(namespace)
  check(fault === undefined, `${fault}`)
  check(isAuth(auth), authFault)
  check(typeof fetch === 'function', '"fetch" must be a function')
  check(
    kid === undefined || version !== undefined,
    '"kid" names one key for ever: name its version too',
  )
  return { key, mount, version, address: new URL(address), namespace, auth, fetch }
}

/** Says what is wrong with an address of Vault. It may hold a password: nothing of it is repeated. */
export function findAddressFault(text: string): string | undefined {
  const address = URL.canParse(text) ? new URL(text) : undefined
  const isSafe =
    address?.protocol === 'https:' || (address?.protocol === 'http:' && isLoopback(address))
  if (!address || !isSafe) {
    return 'the "address" of Vault (VAULT_ADDR) must be an https: URL, since the token goes there'
  }
  return address.username || address.password || address.search || address.hash
    ? 'the "address" of Vault (VAULT_ADDR) must have no user, query or fragment'
    : undefined
}

/** Says what is wrong with the path of a namespace. */
export function findNamespaceFault(namespace: string | undefined): string | undefined {
  return namespace === undefined || /^[\w.@~+-]+(?:\/[\w.@~+-]+)*\/?$/.test(namespace)
    ? undefined
    : 'the "namespace" (VAULT_NAMESPACE) must be the path of a namespace of Vault'
}

const authFault =
  '"auth" must be { token }, { tokenFile }, { roleId, secretId } or { kubernetesRole }, with no text ' +
  'that is empty, and with the path of its "mount" where it has one'

/** Whether there is all that a login needs. What is in it is looked at when it is used. */
function isAuth(auth: unknown): boolean {
  if (!isObject(auth)) return false
  const { token, tokenFile, roleId, secretId, kubernetesRole, jwtFile, mount = 'login' } = auth
  if ('token' in auth) return isText(token)
  if ('tokenFile' in auth) return isText(tokenFile)
  if (!isPath(mount)) return false
  if ('roleId' in auth) return isText(roleId) && isSecretId(secretId)
  return isText(kubernetesRole) && (jwtFile === undefined || isText(jwtFile))
}

function isSecretId(secretId: unknown): boolean {
  if (isObject(secretId)) return isText(secretId['file'])
  return isText(secretId) || typeof secretId === 'function'
}

/** Whether a path stays where it is put. */
function isPath(path: unknown): boolean {
  return isText(path) && /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/.test(path)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function check(isRight: boolean, fault: string): void {
  if (!isRight) throw new TypeError(fault)
}
