// Asks for the keys of every kind of key store, whose vendors' packages are not installed, and prints
// what an app is told.
import { createRelyingParty } from '@countersign/core'

const uris = [
  'awskms:///alias/login',
  'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k',
  'azurekms://vault.vault.azure.net/login',
  'pkcs11:token=t;object=k?module-path=/nowhere.so&pin-source=env:PIN',
]

for (const clientKey of uris) {
  const relyingParty = createRelyingParty({
    issuer: 'https://provider.example',
    clientId: 'app',
    clientKey,
    baseUrl: 'https://app.example',
    session: { secret: 'a session secret of forty characters and more' },
    onEvent: ({ type, error }) => console.log(type, error?.code, error?.message),
  })
  const { response } = await relyingParty.receive({
    method: 'GET',
    target: '/.well-known/jwks.json',
    header: () => undefined,
    form: async () => new URLSearchParams(),
    setCookie: () => {},
    isStarted: () => false,
    send: () => {},
  })
  console.log(response.status)
  await relyingParty.close()
}
