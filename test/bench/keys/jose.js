/**
 * jose, which others sign client assertions with: a whole JWS, header included.
 *
 * @module
 */

import { loadPackage } from './packages.js'

export { openOurs } from './local.js'

export async function openBare({ pem }, alg) {
  const { CompactSign, importPKCS8 } = await loadPackage('jose')
  const key = await importPKCS8(pem, alg)
  return (data) => new CompactSign(data).setProtectedHeader({ alg }).sign(key)
}
