/**
 * Keys of the emulated Azure Key Vault, opened with Azure's own clients.
 *
 * @module
 */

// Loaded here: it takes a busy machine longer than a key may take
import '@azure/keyvault-keys'
import type { KeySource } from '@countersign/core/keys'
import {
  type AzureCredential,
  type AzureKeyVaultOptions,
  azureKeyVault,
} from '@countersign/kms/azure'
import type { Certificate } from '../certificate.ts'
import type { EmulatedKeyVault } from './key-vault.ts'

/** A credential that gives one token. */
export function createCredential(token: string): AzureCredential {
  return {
    async getToken() {
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
    },
  }
}

/** Opens a key as an app with a vault in a private cloud does. */
export function openKey(
  vault: Pick<EmulatedKeyVault, 'url' | 'token'>,
  certificate: Certificate,
  options: Partial<AzureKeyVaultOptions> & Pick<AzureKeyVaultOptions, 'name'>,
): KeySource {
  return azureKeyVault({
    vaultUrl: vault.url,
    credential: createCredential(vault.token),
    clientOptions: {
      tlsOptions: { ca: certificate.cert },
      // The challenge names vault.azure.net, and this vault is not there
      disableChallengeResourceVerification: true,
    },
    ...options,
  })
}
