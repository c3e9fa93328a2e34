/**
 * Logins at the apps of this folder, and what they publish.
 *
 * @module
 */

import { createUserAgent } from '../../support/user-agent.ts'
import type { KeyApp } from './key-app.ts'

/** Signs in with a new browser. The status is negative where the browser did not come to the page. */
export async function signIn({ url }: Pick<KeyApp, 'url'>): Promise<number> {
  const browser = createUserAgent()
  try {
    const { status, url: end } = await browser.navigate(`${url}/profile`)
    return end === `${url}/profile` ? status : -status
  } finally {
    browser.close()
  }
}

/** The `kid` of every key that an app publishes. */
export async function readKids({ url }: Pick<KeyApp, 'url'>): Promise<readonly unknown[]> {
  const response = await fetch(`${url}/.well-known/jwks.json`)
  const set: unknown = await response.json()
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys)) {
    throw new TypeError('it is no JWK Set')
  }
  return set.keys.map((key: { readonly kid?: unknown }) => key.kid)
}
