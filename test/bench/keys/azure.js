/**
 * Keys of the Azure Key Vault next door, and Azure's client alone.
 *
 * @module
 */

import { hash } from './hash.js'
import { loadPackage } from './packages.js'

export async function openOurs({ vaultUrl, name, ...place }) {
  const { azureKeyVault } = await loadPackage('@countersign/kms/azure')
  return azureKeyVault({ vaultUrl, name, ...buildConnection(place) })
}

export async function openBare({ vaultUrl, name, version, ...place }, alg) {
  const { CryptographyClient } = await loadPackage('@azure/keyvault-keys')
  const { credential, clientOptions } = buildConnection(place)
  const id = `${vaultUrl}/keys/${name}/${version}`
  const client = new CryptographyClient(id, credential, clientOptions)
  return (data) => client.sign(alg, hash(data))
}

function buildConnection({ token, ca }) {
  return {
    credential: {
      getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
    },
    // The challenge names vault.azure.net, and this vault is not there
    clientOptions: { tlsOptions: { ca }, disableChallengeResourceVerification: true },
  }
}
