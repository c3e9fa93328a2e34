/**
 * What is configured for a key in Vault, and whether it can be right.
 *
 * @module
 */

import { type JwsAlgorithm, KeyError } from '@countersign/core/keys'
import type { VaultAuth } from './login.ts'

/** What is configured for a key in Vault. */
export interface VaultTransitOptions {
  readonly key: string
  /** Where the Transit engine is. Default: "transit". */
  readonly mount?: string | undefined
  /** One version of the key and no other. Default: all that may sign, each in its time. */
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
  readonly name: string
  readonly key: string
  readonly mount: string
  readonly version: number | undefined
  readonly address: URL
  readonly namespace: string | undefined
  readonly auth: VaultAuth
  readonly fetch: typeof globalThis.fetch
}

/**
 * Checks the options.
 *
 * @throws KeyError when one cannot be right
 */
export function checkVaultOptions(
  options: VaultTransitOptions,
  name = `hashivault://${options.key}`,
): CheckedVaultOptions {
  const { key, mount = 'transit', version, address, namespace, auth, fetch } = options
  if (!/^\w(?:[\w.-]*\w)?$/.test(key)) throw buildFault('"key" is not the name of a key of Vault')
  if (version !== undefined && !(Number.isSafeInteger(version) && version > 0)) {
    throw buildFault('"version" must be the number of a version, 1 or more')
  }
  if (namespace !== undefined && !/^[\w.@~+-]+(?:\/[\w.@~+-]+)*\/?$/.test(namespace)) {
    throw buildFault('"namespace" is not the path of a namespace of Vault')
  }
  if ('mount' in auth && auth.mount !== undefined) checkPath(auth.mount, '"auth.mount"')
  return {
    name,
    key,
    mount: checkPath(mount, '"mount"'),
    version,
    address: readAddress(address, name),
    namespace,
    auth,
    fetch: fetch ?? globalThis.fetch,
  }
}

/** Reads the number of a version in a URI. */
export function readVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw buildFault('"version" must be the number of a version, 1 or more')
}

/** Checks that a path stays where it is put. */
export function checkPath(path: string, what: string): string {
  if (/^\w[\w.-]*(?:\/\w[\w.-]*)*$/.test(path)) return path
  throw buildFault(`${what} must be a path of Vault without a "/" at its ends: team/transit`)
}

/** Addresses of this very machine, as URL writes them. */
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

function readAddress(given: string | URL, name: string): URL {
  const text = String(given)
  const address = URL.canParse(text) ? new URL(text) : undefined
  const isSafe =
    address?.protocol === 'https:' ||
    (address?.protocol === 'http:' && loopback.test(address.hostname))
  if (!address || !isSafe) {
    throw buildFault(
      `${name} cannot be asked for: the address of Vault (VAULT_ADDR) must be an https: URL, since ` +
        'the token goes there',
    )
  }
  // It may hold a password: nothing of it is repeated
  if (address.username || address.password || address.search || address.hash) {
    throw buildFault(
      `${name} cannot be asked for: the address of Vault (VAULT_ADDR) must have no user, query or ` +
        'fragment',
    )
  }
  return address
}

function buildFault(message: string): KeyError {
  return new KeyError('ERR_KEY_UNAVAILABLE', message)
}
