import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Signer } from '@countersign/core/keys'
import { type VaultAuth, type VaultTransitOptions, vaultTransit } from '@countersign/kms/vault'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { describeAll } from '../support/key-error.ts'
import { administerVault, type VaultAdministration } from './support/vault/administration.ts'
import { startVaultEmulator, type VaultEmulator } from './support/vault/emulator.ts'

const data = Buffer.from('a text')

let emulator: VaultEmulator
let administration: VaultAdministration
let folder: string

beforeAll(async () => {
  emulator = await startVaultEmulator()
  administration = administerVault(emulator.address, emulator.rootToken)
  await administration.post('sys/mounts/transit', { type: 'transit' })
  await administration.createKey('login', 'ES256')
  const paths = { 'transit/keys/login': ['read'], 'transit/sign/login': ['update'] }
  await administration.writePolicy('app', paths)
  await administration.post('sys/auth/approle', { type: 'approle' })
  await administration.post('sys/auth/kubernetes', { type: 'kubernetes' })
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vault-'))
})

afterEach(async () => {
  emulator.recover()
  await rm(folder, { recursive: true })
})

afterAll(() => emulator.close())

function open(auth: VaultAuth, options: Partial<VaultTransitOptions> = {}) {
  return vaultTransit({ key: 'login', address: emulator.address, auth, ...options })
}

async function findSigner(auth: VaultAuth): Promise<Signer> {
  const [key] = await open(auth).keys()
  if (!key) throw new TypeError('there is no key')
  return key.signer
}

/** What happens meanwhile: requests by their path. */
async function watch(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = emulator.requests.length
  await act()
  return emulator.requests.slice(before).map(({ path }) => path)
}

/** Lets time pass, of leases here and in Vault. */
function pass(seconds: number): void {
  vi.advanceTimersByTime(seconds * 1000)
}

/** Waits until a request has been made in the background, and is answered. */
async function waitFor(count: 'logins' | 'renewals', times: number): Promise<void> {
  await expect.poll(() => emulator.tokens.counts[count], { timeout: 20_000 }).toBe(times)
}

/** Ends every token that a login has given. */
function revokeAll(): void {
  const { tokens, rootToken } = emulator.tokens
  for (const text of [...tokens.keys()].filter((text) => text !== rootToken)) tokens.delete(text)
}

function createAppRole(settings: Readonly<Record<string, unknown>> = {}): Promise<VaultAuth> {
  const name = `role-${Math.random().toString(36).slice(2)}`
  return administration.createAppRole(name, {
    token_policies: ['app'],
    token_ttl: 600,
    ...settings,
  })
}

describe('an AppRole', () => {
  test('logs in once, for all that is asked', async () => {
    const auth = await createAppRole()
    const paths = await watch(async () => {
      const signer = await findSigner(auth)
      await Promise.all([signer.sign(data), signer.sign(data)])
    })
    expect(paths).toEqual([
      'auth/approle/login',
      'transit/keys/login',
      'transit/sign/login',
      'transit/sign/login',
    ])
  })

  test('whose token was revoked logs in once, and no signature fails', async () => {
    const signer = await findSigner(await createAppRole())
    revokeAll()
    const paths = await watch(() => Promise.all([signer.sign(data), signer.sign(data)]))
    expect(paths.filter((path) => path === 'auth/approle/login')).toHaveLength(1)
    expect(await watch(() => signer.sign(data))).toEqual(['transit/sign/login'])
  })

  describe('over time', () => {
    // What leases are measured by
    beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
    afterEach(() => void vi.useRealTimers())

    test('whose token has expired logs in before it is used', async () => {
      const signer = await findSigner(await createAppRole())
      pass(600)
      const paths = await watch(() => Promise.all([signer.sign(data), signer.sign(data)]))
      expect(paths).toEqual(['auth/approle/login', 'transit/sign/login', 'transit/sign/login'])
    })

    test('renews its token at two thirds of the lease, and nobody waits for it', async () => {
      const { counts } = emulator.tokens
      const signer = await findSigner(await createAppRole())
      const { logins, renewals } = { ...counts }
      pass(399)
      expect(await watch(() => signer.sign(data))).toEqual(['transit/sign/login'])
      pass(1)
      const paths = await watch(async () => {
        await signer.sign(data)
        await waitFor('renewals', renewals + 1)
        await signer.sign(data)
      })
      expect(paths.toSorted()).toEqual([
        'auth/token/renew-self',
        'transit/sign/login',
        'transit/sign/login',
      ])
      // It is past the lease that the login gave
      pass(300)
      expect(await watch(() => signer.sign(data))).toEqual(['transit/sign/login'])
      expect(counts).toEqual({ logins, renewals: renewals + 1 })
    })

    test('whose token cannot be renewed logs in at two thirds of the lease', async () => {
      const signer = await findSigner(await createAppRole({ token_type: 'batch' }))
      const { logins } = emulator.tokens.counts
      pass(400)
      const paths = await watch(async () => {
        await signer.sign(data)
        await waitFor('logins', logins + 1)
      })
      expect(paths.toSorted()).toEqual(['auth/approle/login', 'transit/sign/login'])
    })
  })

  test('whose secret id is used up is told as such, and the next one works', async () => {
    const auth = await createAppRole()
    if (!('roleId' in auth)) throw new TypeError('no AppRole')
    let secretId = 'wrong-secret'
    const source = open({ ...auth, secretId: async () => secretId })
    const error = await source.keys().catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining('Vault refused the login'),
    })
    expect(describeAll(error)).not.toContain('wrong-secret')
    secretId = String(auth.secretId)
    await expect(source.keys()).resolves.toHaveLength(1)
  })

  test.each<[string, () => unknown, string]>([
    ['throws', () => Promise.reject(new TypeError('none')), 'what the function "secretId" says'],
    ['gives nothing', () => undefined, 'the secret id is empty'],
  ])('whose secret id comes from what %s is told as such, once', async (_, give, text) => {
    const auth = await createAppRole()
    if (!('roleId' in auth)) throw new TypeError('no AppRole')
    const secretId = vi.fn(give as () => string)
    const error = await open({ ...auth, secretId })
      .keys()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining(text),
    })
    expect(secretId).toHaveBeenCalledTimes(1)
  })

  test('reads its secret id from a file at each login', async () => {
    const auth = await createAppRole()
    if (!('roleId' in auth)) throw new TypeError('no AppRole')
    const file = join(folder, 'secret-id')
    const source = open({ ...auth, secretId: { file } })
    await expect(source.keys()).rejects.toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining('cannot be read (ENOENT)'),
    })
    await writeFile(file, `${auth.secretId}\n`)
    await expect(source.keys()).resolves.toHaveLength(1)
  })

  test('at a mount that is not there is told so', async () => {
    const auth = { ...(await createAppRole()), mount: 'elsewhere' }
    await expect(open(auth).keys()).rejects.toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining('the role and its mount'),
    })
  })

  test('that a policy forbids to sign does not log in again and again', async () => {
    const signer = await findSigner(await createAppRole())
    await administration.writePolicy('app', { 'transit/keys/login': ['read'] })
    const paths = await watch(async () => {
      for (let index = 0; index < 3; index++) {
        await expect(signer.sign(data)).rejects.toMatchObject({
          reason: 'denied',
          message: expect.stringContaining('"update" on transit/sign/login'),
        })
      }
    })
    expect(paths).not.toContain('auth/approle/login')
    const paths2 = { 'transit/keys/login': ['read'], 'transit/sign/login': ['update'] }
    await administration.writePolicy('app', paths2)
    await expect(signer.sign(data)).resolves.toHaveLength(64)
  })

  test('that nobody lets log in is asked for anew by whoever comes next', async () => {
    const source = open(await createAppRole())
    emulator.misbehave('unavailable', Number.POSITIVE_INFINITY)
    await expect(source.keys()).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('unseal Vault'),
    })
    emulator.recover()
    await expect(source.keys()).resolves.toHaveLength(1)
  })
})

describe('Kubernetes', () => {
  beforeAll(async () => {
    const role = { token_policies: ['app'], token_ttl: 600 }
    await administration.post('auth/kubernetes/role/web', role)
  })

  test("logs in with the service account's token as the file has it", async () => {
    const jwtFile = join(folder, 'token')
    const auth = { kubernetesRole: 'web', jwtFile }
    await writeFile(jwtFile, 'a.first.jwt')
    await expect(open(auth).keys()).rejects.toMatchObject({ reason: 'credentials' })
    emulator.tokens.serviceAccounts.add('a.first.jwt')
    const signer = await findSigner(auth)
    emulator.tokens.serviceAccounts.clear()
    emulator.tokens.serviceAccounts.add('a.second.jwt')
    await writeFile(jwtFile, 'a.second.jwt\n')
    revokeAll()
    await expect(signer.sign(data)).resolves.toHaveLength(64)
  })

  test('with a role that is not there is told as such, and its token is in no error', async () => {
    const jwtFile = join(folder, 'token')
    await writeFile(jwtFile, 'a.wrong-secret.jwt')
    const error = await open({ kubernetesRole: 'nobody', jwtFile })
      .keys()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ reason: 'credentials' })
    expect(describeAll(error)).not.toContain('wrong-secret')
  })
})

describe('a token file', () => {
  test('is read again when another one takes its place', async () => {
    const tokenFile = join(folder, 'token')
    const first = await administration.createToken('app')
    await writeFile(tokenFile, first)
    const signer = await findSigner({ tokenFile })
    const second = await administration.createToken('app')
    await writeFile(`${tokenFile}.new`, `${second}\n`)
    await rename(`${tokenFile}.new`, tokenFile)
    await administration.post('auth/token/revoke', { token: first })
    expect(await watch(() => signer.sign(data))).toEqual(['transit/sign/login'])
    expect(emulator.requests.at(-1)?.headers['x-vault-token']).toBe(second)
  })

  test('that is empty or gone for a moment leaves the last token in use', async () => {
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, await administration.createToken('app'))
    const signer = await findSigner({ tokenFile })
    await writeFile(tokenFile, '')
    await expect(signer.sign(data)).resolves.toHaveLength(64)
    await rm(tokenFile)
    await expect(signer.sign(data)).resolves.toHaveLength(64)
  })

  test('that holds no token is told as such, without what it holds', async () => {
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'wrong-secret with spaces')
    const error = await open({ tokenFile })
      .keys()
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining('holds white space'),
    })
    expect(describeAll(error)).not.toContain('wrong-secret')
  })
})

test('a token that was revoked is told as such, and is in no error', async () => {
  const token = await administration.createToken('app')
  const signer = await findSigner({ token })
  await administration.post('auth/token/revoke', { token })
  const error = await signer.sign(data).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'credentials' })
  expect(describeAll(error)).not.toContain(token)
})
