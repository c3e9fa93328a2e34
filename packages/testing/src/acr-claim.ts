/**
 * The claim that says how strongly an End-User was authenticated, where a provider calls it otherwise.
 *
 * @see RFC 8485, 3.1
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { Provider } from 'oidc-provider/lib/provider.js'

/** Gives ID Tokens a `vot` in place of the `acr`, with all of its components or some. */
export function renameAcr({ IdToken }: Provider, components?: readonly string[]): void {
  const { prototype } = IdToken
  const { payload } = prototype
  prototype.payload = async function () {
    const { acr, ...claims } = await payload.call(this)
    if (typeof acr !== 'string') return claims
    const parts = acr.split('.').filter((part) => components?.includes(part.charAt(0)) ?? true)
    return { ...claims, vot: parts.join('.') }
  }
}
