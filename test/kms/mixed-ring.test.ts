import { startProvider } from '@countersign/testing'
import { expect, test } from 'vitest'
import { shareTime } from './support/date-shift.ts'
import { findAppUrl, startKeyApp } from './support/key-app.ts'
import { keyKinds } from './support/key-kinds.ts'
import { readKids, signIn } from './support/key-logins.ts'

/** Seconds until the new key signs. */
const wait = 600

test('today a file, tomorrow a key store: one variable, one ring, and no login fails', async () => {
  const time = shareTime()
  const [files, vault] = await Promise.all([startKind('file'), startKind('Vault Transit')])
  const [old, next] = [await files.createKey(), await vault.createKey()]
  const url = await findAppUrl()
  const jwks = { keys: [{ ...old.publicJwk }, { ...next.publicJwk }] }
  const redirectUris = [`${url}/callback`]
  const clients = [{ clientId: 'app', jwks, redirectUris }]
  const provider = await startProvider({ interaction: 'auto', strict: true, clients })
  const notBefore = Math.ceil(Date.now() / 1000) + wait
  const [today, tomorrow] = [
    files.describe([{ name: old.name }]),
    vault.describe([{ name: next.name, notBefore }]),
  ]
  const OIDC_CLIENT_KEY = `${today.env['OIDC_CLIENT_KEY']} ${tomorrow.env['OIDC_CLIENT_KEY']}`
  const env = { ...tomorrow.env, OIDC_CLIENT_KEY }
  const app = await startKeyApp({ env }, { issuer: provider.issuer, url })
  try {
    expect(await signIn(app)).toBe(200)
    expect(await readKids(app)).toEqual([old.publicJwk.kid, next.publicJwk.kid])

    // The new key's store is no reason to wait for it before its time
    vault.setAway?.(true)
    expect(await signIn(app)).toBe(200)
    vault.setAway?.(false)

    await time.advance(wait + 1, [app])
    expect(await signIn(app)).toBe(200)
    const kids = provider.assertions.map(({ header }) => header.kid)
    expect(kids).toEqual([old.publicJwk.kid, old.publicJwk.kid, next.publicJwk.kid])
  } finally {
    await app.close()
    await provider.close()
    await Promise.all([files.close(), vault.close()])
    time.stop()
  }
})

async function startKind(name: string) {
  const kind = keyKinds.find((one) => one.name === name)
  if (!kind) throw new TypeError(`there is no kind "${name}"`)
  return await kind.start()
}
