import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createUriKeySource } from '@countersign/kms/vault'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { administerVault, type VaultAdministration } from './support/vault/administration.ts'
import { startVaultEmulator, type VaultEmulator } from './support/vault/emulator.ts'

const names = ['ADDR', 'NAMESPACE', 'TOKEN', 'TOKEN_FILE', 'ROLE_ID', 'SECRET_ID', 'K8S_ROLE']

let emulator: VaultEmulator
let administration: VaultAdministration
let home: string

beforeAll(async () => {
  emulator = await startVaultEmulator()
  administration = administerVault(emulator.address, emulator.rootToken)
  for (const mount of ['transit', 'team/signing']) {
    await administration.post(`sys/mounts/${mount}`, { type: 'transit' })
    await administration.createKey('login', 'ES256', mount)
  }
  await administration.rotate('login')
  await administration.writePolicy('app', { 'transit/keys/login': ['read'] })
})

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'vault-home-'))
  vi.stubEnv('HOME', home)
  for (const name of names) {
    vi.stubEnv(`VAULT_${name}`, '')
    vi.stubEnv(`BAO_${name}`, '')
  }
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(home, { recursive: true })
})

afterAll(() => emulator.close())

function open(parameters: Readonly<Record<string, string>> = {}, wait?: number) {
  const place = { name: 'hashivault://login', parts: { key: 'login' }, wait, parameters }
  return createUriKeySource(place, { defaultRsaAlg: 'RS256' })
}

describe('the environment', () => {
  test('with VAULT_ADDR and VAULT_TOKEN is enough', async () => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    vi.stubEnv('VAULT_TOKEN', emulator.rootToken)
    const source = open()
    expect(source.name).toBe('hashivault://login')
    await expect(source.keys()).resolves.toHaveLength(2)
  })

  test("is read by OpenBao's names as well", async () => {
    vi.stubEnv('BAO_ADDR', emulator.address)
    vi.stubEnv('BAO_TOKEN', emulator.rootToken)
    await expect(open().keys()).resolves.toHaveLength(2)
  })

  test('may name a file with the token, which wins over the one at home', async () => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    const file = join(home, 'token')
    await writeFile(file, emulator.rootToken)
    await writeFile(join(home, '.vault-token'), 'another')
    vi.stubEnv('VAULT_TOKEN_FILE', file)
    await expect(open().keys()).resolves.toHaveLength(2)
  })

  test('may be without a token where one lies at home', async () => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    await writeFile(join(home, '.vault-token'), emulator.rootToken)
    await expect(open().keys()).resolves.toHaveLength(2)
  })

  test('may name an AppRole', async () => {
    await administration.post('sys/auth/approle', { type: 'approle' })
    const role = await administration.createAppRole('uri', { token_policies: ['app'] })
    vi.stubEnv('VAULT_ADDR', emulator.address)
    vi.stubEnv('VAULT_ROLE_ID', role.roleId)
    vi.stubEnv('VAULT_SECRET_ID', role.secretId)
    await expect(open().keys()).resolves.toHaveLength(2)
  })

  test('may name a role of Kubernetes, whose file is missing here', async () => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    vi.stubEnv('VAULT_K8S_ROLE', 'web')
    await expect(open().keys()).rejects.toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining('serviceaccount/token cannot be read (ENOENT)'),
    })
  })

  test('without an address is told when a key is needed', async () => {
    await expect(open().keys()).rejects.toMatchObject({
      reason: 'unavailable',
      message:
        'hashivault://login cannot be asked for: set VAULT_ADDR to the address of Vault, such as ' +
        'https://vault.example.com:8200',
    })
  })

  test.each([
    ['no way to log in', {}, 'set VAULT_TOKEN, VAULT_TOKEN_FILE'],
    ['half an AppRole', { VAULT_ROLE_ID: 'x' }, 'one of them is not set'],
  ])('with %s is told when a key is needed', async (_, variables, text) => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    await expect(open().keys()).rejects.toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining(text),
    })
  })

  test('with a namespace that is none is told when a key is needed', async () => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    vi.stubEnv('VAULT_TOKEN', emulator.rootToken)
    vi.stubEnv('VAULT_NAMESPACE', 'a b')
    await expect(open().keys()).rejects.toMatchObject({
      name: 'KeyError',
      message: expect.stringContaining('"namespace" (VAULT_NAMESPACE) must be the path'),
    })
  })

  test('with an address that is not safe is told when a key is needed', async () => {
    vi.stubEnv('VAULT_ADDR', 'http://vault.example.com:8200')
    vi.stubEnv('VAULT_TOKEN', 'wrong-secret')
    await expect(open().keys()).rejects.toMatchObject({
      name: 'KeyError',
      message: expect.stringMatching(/^hashivault:\/\/login .*must be an https: URL/),
    })
  })
})

describe('the parameters', () => {
  beforeEach(() => {
    vi.stubEnv('VAULT_ADDR', emulator.address)
    vi.stubEnv('VAULT_TOKEN', emulator.rootToken)
  })

  test('name the mount, a version, and how long a new one waits', async () => {
    await expect(open({ mount: 'team/signing' }).keys()).resolves.toHaveLength(1)
    await expect(open({ version: '2' }).keys()).resolves.toHaveLength(1)
    const [first, second] = await open({}, 3600).keys()
    expect(first?.notAfter).toBe((second?.notBefore ?? 0) + 3600)
  })
})
