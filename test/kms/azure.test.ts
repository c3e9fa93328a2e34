/**
 * What is special to keys in Azure Key Vault.
 *
 * @module
 */

// Loaded here: it takes a busy machine longer than a key may take
import '@azure/identity'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeySource, Signer } from '@countersign/core/keys'
import { compactVerify, importJWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findError } from '../support/key-error.ts'
import { type EmulatedKeyVault, startKeyVault } from './support/azure/key-vault.ts'
import { startManagedIdentity } from './support/azure/managed-identity.ts'
import { openKey } from './support/azure/open.ts'
import { generateCertificate } from './support/certificate.ts'

const certificate = generateCertificate()
let vault: EmulatedKeyVault
beforeAll(async () => {
  vault = await startKeyVault(certificate)
})
afterEach(() => {
  vault.misbehaviour = undefined
  vault.lies = false
  vi.unstubAllEnvs()
  vi.useRealTimers()
})
afterAll(() => vault.close())

let last = 0
/** A name that no other test has. */
function nameKey(): string {
  last++
  return `key-${last}`
}

const now = () => Math.floor(Date.now() / 1000)

describe('versions', () => {
  test('a version begins and ends when the vault says', async () => {
    const name = nameKey()
    const version = vault.createVersion(name, 'P-256')
    Object.assign(version, { nbf: now() - 60, exp: now() + 3600 })
    const keys = await openKey(vault, certificate, { name }).keys()
    expect(keys).toMatchObject([{ notBefore: version.nbf, notAfter: version.exp }])
  })

  test.each([
    ['not valid yet', { nbf: now() + 3600 }],
    ['expired', { exp: now() - 60 }],
  ])('a version that is %s does not sign, and it is said why', async (_, times) => {
    const name = nameKey()
    Object.assign(vault.createVersion(name, 'P-256'), times)
    const error = await findError(sign(await openOnly(name)))
    expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'disabled' })
    expect(error.message).toContain('"nbf" and "exp"')
  })

  test('the end of a version can be put off while it signs', async () => {
    const name = nameKey()
    const version = vault.createVersion(name, 'P-256')
    version.exp = now() + 600
    const signer = await openOnly(name)
    await sign(signer)
    version.exp = now() + 3600
    vi.useFakeTimers({ now: Date.now() + 1_200_000, toFake: ['Date'] })
    await sign(signer)
  })

  test('of many versions, on several pages and in no order, the newest are read', async () => {
    const name = nameKey()
    const ids = Array.from({ length: 60 }, () => vault.createVersion(name, 'P-256').id)
    vault.requests.length = 0
    const keys = await openKey(vault, certificate, { name }).keys()
    expect(keys).toHaveLength(10)
    const read = vault.requests.map(({ path }) => path.split('/').at(-1) ?? '')
    expect(read.filter((id) => id === 'versions')).toHaveLength(4)
    expect(read.filter((id) => ids.includes(id)).sort()).toEqual(ids.slice(-10).sort())
  })

  test('a public half is asked for once', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const source = openKey(vault, certificate, { name })
    await source.keys()
    const next = vault.createVersion(name, 'P-256')
    vault.requests.length = 0
    await source.keys({ renew: true })
    expect(vault.requests.map(({ path }) => path)).toEqual([
      `/keys/${name}/versions`,
      `/keys/${name}/${next.id}`,
    ])
  })

  test('a version that is named and switched off is told as such', async () => {
    const name = nameKey()
    const version = vault.createVersion(name, 'P-256')
    version.enabled = false
    const named = openKey(vault, certificate, { name, version: version.id })
    expect((await findError(named.keys())).reason).toBe('disabled')
    const unnamed = openKey(vault, certificate, { name })
    const error = await findError(unnamed.keys())
    expect(error.reason).toBe('disabled')
    expect(error.message).toContain('no version that is enabled')
  })

  test('no version is left out because the vault did not answer', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const { id: path } = vault.createVersion(name, 'P-256')
    vault.misbehaviour = { status: 503, path, times: 99 }
    const source = openKey(vault, certificate, { name })
    expect((await findError(source.keys())).reason).toBe('unavailable')
    vault.misbehaviour = undefined
    expect(await source.keys()).toHaveLength(2)
  })

  test('a version that another one follows can be read by its name', async () => {
    const name = nameKey()
    const { id: version } = vault.createVersion(name, 'P-256')
    vault.createVersion(name, 'P-256')
    const source = openKey(vault, certificate, { name, version })
    expect(source.name).toBe(`azurekms://${vault.host}/${name}/${version}`)
    expect(await source.keys()).toHaveLength(1)
  })
})

describe('types of keys', () => {
  test('a key in a Managed HSM signs as any other', async () => {
    const name = nameKey()
    vault.createVersion(name, 'RSA-HSM')
    await sign(await openOnly(name))
  })

  test.each([
    ['P-256K', 'it is of type EC P-256K'],
    ['oct-HSM', 'it is of type oct-HSM'],
  ] as const)('a key of type %s is refused', async (type, said) => {
    const name = nameKey()
    vault.createVersion(name, type)
    const error = await findError(openKey(vault, certificate, { name }).keys())
    expect(error.reason).toBe('unsupported-algorithm')
    expect(error.message).toContain(said)
  })

  test('a key that is not for signing is refused, and others are used', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256').keyOps = ['verify']
    const error = await findError(openKey(vault, certificate, { name }).keys())
    expect(error.reason).toBe('unsupported-algorithm')
    expect(error.message).toContain('without "sign"')
    vault.createVersion(name, 'P-256')
    await sign(await openOnly(name))
  })

  test('a key that is no longer for signing says so', async () => {
    const name = nameKey()
    const version = vault.createVersion(name, 'P-256')
    const signer = await openOnly(name)
    version.keyOps = ['verify']
    const error = await findError(sign(signer))
    expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'denied' })
    expect(error.message).toContain('permitted operations')
  })
})

describe('signing', () => {
  test('it is done by the vault, with one request for each but the first', async () => {
    const name = nameKey()
    const { id } = vault.createVersion(name, 'RSA')
    const signer = await openOnly(name)
    vault.requests.length = 0
    await sign(signer)
    await sign(signer)
    const path = `/keys/${name}/${id}/sign`
    expect(vault.requests).toEqual([
      { method: 'POST', path, hasToken: false },
      { method: 'POST', path, hasToken: true },
      { method: 'POST', path, hasToken: true },
    ])
  })

  test('a signature that another version has made is refused', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const signer = await openOnly(name)
    vault.lies = true
    const error = await findError(signer.sign(Buffer.from('a text')))
    expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'bad-signature' })
  })
})

describe('a vault that refuses', () => {
  // Of each wait a random part is left out, at most one half
  test.each([
    ['without a time to wait', {}, 2, 450],
    ['with one', { 'retry-after': '1' }, 1, 950],
    ['until a date', { 'retry-after': new Date(Date.now() - 1000).toUTCString() }, 1, 0],
  ])('throttled %s, it is asked again', async (_, headers, times, shorter) => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const signer = await openOnly(name)
    await sign(signer)
    vault.requests.length = 0
    vault.misbehaviour = { status: 429, headers, times }
    const order: string[] = []
    await Promise.all([
      delay(shorter).then(() => order.push('a shorter time is over')),
      sign(signer).then(() => order.push('signed')),
    ])
    expect(order).toEqual(['a shorter time is over', 'signed'])
    expect(vault.requests).toHaveLength(times + 1)
  })

  test('throttled for longer than a login waits, it says so at once', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const signer = await openOnly(name)
    vault.misbehaviour = { status: 429, headers: { 'retry-after': '60' }, times: 9 }
    // It would be another reason if it had waited until it was too late
    expect(await findError(sign(signer))).toMatchObject({ reason: 'throttled' })
    expect(vault.misbehaviour.times).toBe(8)
  })

  test.each([
    ['ForbiddenByFirewall', 'firewall'],
    ['ForbiddenByRbac', 'Key Vault Crypto User'],
    ['AccessDenied', 'keys/list is not needed'],
  ])('%s is told with what helps', async (inner, said) => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    vault.denied.set(name, inner)
    const error = await findError(openKey(vault, certificate, { name }).keys())
    expect(error.reason).toBe('denied')
    expect(error.message).toContain(said)
  })

  test.each([
    ['a page of a proxy', 502, '<html>Bad Gateway</html>', 'unavailable'],
    ['the 404 of a proxy', 404, '404 page not found', 'unavailable'],
    ['the 404 of a gateway, in JSON', 404, '{"error":"no route"}', 'unavailable'],
    ['no text at all', 500, '', 'unavailable'],
    ['no text to a request that it does not know', 401, '', 'credentials'],
  ])('%s is read by its status', async (_, status, body, reason) => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    vault.misbehaviour = { status, body, times: 99 }
    expect((await findError(openKey(vault, certificate, { name }).keys())).reason).toBe(reason)
  })

  test('the 404 of a proxy leaves the keys that are known', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const source = openKey(vault, certificate, { name })
    const keys = await source.keys()
    vault.misbehaviour = { status: 404, body: '404 page not found', times: 99 }
    const reported: unknown[] = []
    const report = (error: unknown) => reported.push(error)
    expect(await source.keys({ renew: true, report })).toEqual(keys)
    expect(reported).toMatchObject([{ reason: 'unavailable' }])
  })

  test('a success that is none is an error', async () => {
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const signer = await openOnly(name)
    await sign(signer)
    const headers = { 'content-type': 'application/json' }
    vault.misbehaviour = { status: 200, headers, body: '<html>Welcome</html>', times: 99 }
    expect(await findError(sign(signer))).toMatchObject({ code: 'ERR_SIGN', reason: 'unavailable' })
  })

  test('a redirect is not followed, and the token stays here', async () => {
    const elsewhere = await startKeyVault(certificate)
    const name = nameKey()
    const version = vault.createVersion(name, 'P-256')
    elsewhere.keys.set(name, [version])
    const signer = await openOnly(name)
    const headers = { location: `${elsewhere.url}/keys/${name}/${version.id}/sign` }
    vault.misbehaviour = { status: 307, headers, body: '', times: 99 }
    const error = await findError(sign(signer))
    expect(error.reason).toBe('unavailable')
    expect(error.message).toContain('redirects are not followed')
    expect(elsewhere.requests).toEqual([])
    await elsewhere.close()
  })

  test('a list that goes on at another host is not followed there', async () => {
    const elsewhere = await startKeyVault(certificate)
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    await openKey(vault, certificate, { name }).keys()
    const body = JSON.stringify({ value: [], nextLink: `${elsewhere.url}/keys/${name}/versions` })
    const headers = { 'content-type': 'application/json' }
    const path = '/versions'
    vault.misbehaviour = { status: 200, headers, body, path, times: 99 }
    const error = await findError(openKey(vault, certificate, { name }).keys())
    expect(error.reason).toBe('unavailable')
    expect(error.message).toContain('another host')
    expect(elsewhere.requests).toEqual([])
    await elsewhere.close()
  })

  test('a name that cannot be a key is told by the letters it may have', async () => {
    const error = await findError(openKey(vault, certificate, { name: 'my_key' }).keys())
    expect(error.reason).toBe('not-found')
    expect(error.message).toContain('letters, digits and "-"')
  })
})

describe('credentials', () => {
  test('a credential that throws is told as such, with what it said', async () => {
    const credential = {
      async getToken() {
        throw Object.assign(new Error('no connection to the agent'), { name: 'AgentError' })
      },
    }
    const name = nameKey()
    const error = await findError(openKey(vault, certificate, { name, credential }).keys())
    expect(error.reason).toBe('credentials')
    expect(error.cause).toMatchObject({ message: 'AgentError: no connection to the agent' })
  })

  test('a credential that gives no token is told as such', async () => {
    const credential = { getToken: async () => null }
    const name = nameKey()
    const error = await findError(openKey(vault, certificate, { name, credential }).keys())
    expect(error.reason).toBe('credentials')
  })

  test('without one, it is that of the machine', async () => {
    const identity = await startManagedIdentity(vault.token)
    for (const [name, value] of Object.entries(identity.variables)) vi.stubEnv(name, value)
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    await sign(await openOnly(name, { credential: undefined }))
    expect(new Set(identity.resources)).toEqual(new Set(['https://vault.azure.net']))
    await identity.close()
  })

  test('without any in the environment, it is said what to set', async () => {
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential')
    const source = openKey(vault, certificate, { name: nameKey(), credential: undefined })
    const error = await findError(source.keys())
    expect(error.reason).toBe('credentials')
    expect(error.message).toContain('AZURE_CLIENT_ID')
  })

  test('a credential that is waited for is told from a vault that is', async () => {
    let isHanging = false
    const granted = { token: vault.token, expiresOnTimestamp: 0 }
    const credential = {
      getToken: () => (isHanging ? new Promise<never>(() => {}) : Promise.resolve(granted)),
    }
    const name = nameKey()
    vault.createVersion(name, 'P-256')
    const signer = await openOnly(name, { credential })
    // From now on the vault's challenge is known, and no token is: nothing but the credential is asked
    await sign(signer)
    isHanging = true
    const error = await findError(sign(signer))
    expect(error.reason).toBe('timeout')
    expect(error.message).toContain('credential gave no token in time')
  })

  test('a token is only given to the domain that it is for', async () => {
    const clientOptions = { tlsOptions: { ca: certificate.cert } }
    const name = nameKey()
    const error = await findError(openKey(vault, certificate, { name, clientOptions }).keys())
    expect(error.reason).toBe('credentials')
    expect(error.message).toContain('not for its own domain')
  })
})

async function openOnly(
  name: string,
  options: Partial<Parameters<typeof openKey>[2]> = {},
): Promise<Signer> {
  const source: KeySource = openKey(vault, certificate, { name, ...options })
  const [key, ...others] = await source.keys()
  if (!key || others.length > 0) throw new TypeError('there is not one key')
  return key.signer
}

async function sign(signer: Signer): Promise<void> {
  const head = Buffer.from(JSON.stringify({ alg: signer.alg })).toString('base64url')
  const input = `${head}.${Buffer.from('a text').toString('base64url')}`
  const signature = await signer.sign(Buffer.from(input))
  const jws = `${input}.${Buffer.from(signature).toString('base64url')}`
  await compactVerify(jws, await importJWK({ ...signer.publicJwk }, signer.alg))
}
