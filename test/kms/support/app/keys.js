// The keys of an app whose key store is no place that a key URI can name: a vendor's client has to be
// pointed at the one on this machine.

const vendors = { awskms: '@aws-sdk/client-kms', azurekms: '@azure/keyvault-keys' }

/** Loads what a key store is asked with: it takes a busy machine longer than a key may take. */
export async function preload(uri = '') {
  const [, vendor] = Object.entries(vendors).find(([scheme]) => uri.startsWith(`${scheme}:`)) ?? []
  if (vendor !== undefined) await import(vendor)
}

/** What the environment cannot say, by the store; else the key URI is all there is. */
export async function openKeys({ store, entries = [], ...place }) {
  if (store === undefined) return undefined
  const open = await openers[store](place)
  return entries.map(({ notBefore, ...entry }) => ({ key: open(entry), notBefore }))
}

const openers = {
  async gcp({ port, token }) {
    const { googleKms } = await import('@countersign/kms/gcp')
    const { KeyManagementServiceClient } = await import('@google-cloud/kms')
    const { OAuth2Client } = await import('google-auth-library')
    const authClient = new OAuth2Client()
    authClient.setCredentials({ access_token: token })
    const address = { apiEndpoint: '127.0.0.1', port, protocol: 'http', fallback: 'rest' }
    const client = new KeyManagementServiceClient({ ...address, authClient })
    return (entry) => googleKms({ ...entry, client })
  },
  async azure({ vaultUrl, token, ca }) {
    const { azureKeyVault } = await import('@countersign/kms/azure')
    const credential = {
      getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
    }
    const clientOptions = { tlsOptions: { ca }, disableChallengeResourceVerification: true }
    return (entry) => azureKeyVault({ ...entry, vaultUrl, credential, clientOptions })
  },
}
