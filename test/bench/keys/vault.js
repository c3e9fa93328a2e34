/**
 * Keys of the Vault next door, and its HTTP API asked with `fetch` alone.
 *
 * @module
 */

import { hash } from './hash.js'
import { loadPackage } from './packages.js'

export async function openOurs({ key, address, token }) {
  const { vaultTransit } = await loadPackage('@countersign/kms/vault')
  return vaultTransit({ key, address, auth: { token } })
}

export function openBare({ key, address, token }, alg) {
  const settings = {
    prehashed: true,
    hash_algorithm: 'sha2-256',
    marshaling_algorithm: 'jws',
    ...(alg === 'RS256' && { signature_algorithm: 'pkcs1v15' }),
  }
  const headers = { 'x-vault-token': token, 'content-type': 'application/json' }
  return async (data) => {
    const response = await fetch(`${address}/v1/transit/sign/${key}`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...settings, input: hash(data).toString('base64') }),
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(`the vault answered ${response.status}`)
    return answer.data.signature
  }
}
