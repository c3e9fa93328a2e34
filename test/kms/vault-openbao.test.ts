import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { JwsAlgorithm, Signer } from '@countersign/core/keys'
import { vaultTransit } from '@countersign/kms/vault'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keySourceContract, type TestKeyStore } from '../contract/key-source.ts'
import { signerContract } from '../contract/signer.ts'
import { findPort } from '../house/ports.ts'
import { administerVault } from './support/vault/administration.ts'
import { createVaultTestKeyStore, type RunningVault } from './support/vault/test-key-store.ts'

/** A real OpenBao or Vault: the path of its binary. */
const binary = process.env['OPENBAO_BINARY']

const algorithms: readonly JwsAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** Starts a server that keeps all in memory. It holds its port alone: the next one is another. */
async function startOpenBao(program: string): Promise<RunningVault> {
  const port = await findPort()
  const rootToken = randomUUID()
  const home = await mkdtemp(join(tmpdir(), 'openbao-'))
  const server = spawn(
    program,
    [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore', env: { HOME: home } },
  )
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const address = `http://127.0.0.1:${port}`
  const close = async () => {
    server.kill()
    await ended
    await rm(home, { recursive: true })
  }
  for (let attempt = 0; attempt < 100; attempt++) {
    const isUp = await fetch(`${address}/v1/sys/health`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return { address, rootToken, close }
    await delay(200)
  }
  await close()
  throw new Error(`${program} does not answer`)
}

describe.skipIf(!binary)('a real OpenBao (set OPENBAO_BINARY to run this)', () => {
  let vault: RunningVault
  let store: TestKeyStore

  beforeAll(async () => {
    vault = await startOpenBao(`${binary}`)
    store = await createVaultTestKeyStore(vault, 'token')
  })

  afterAll(() => store.close())

  signerContract({
    name: 'Vault Transit (OpenBao)',
    algorithms,
    async create(alg) {
      const [key] = await store.open(await store.createKey(alg), { alg }).keys()
      if (!key) throw new TypeError('there is no key')
      return key.signer
    },
  })

  for (const how of ['token', 'approle'] as const) {
    keySourceContract({
      name: `Vault Transit (OpenBao), by ${how}`,
      hasVersions: true,
      start: async () => createVaultTestKeyStore(await startOpenBao(`${binary}`), how),
    })
  }

  test('a token is renewed, and followed by a login when it has expired', async () => {
    const administration = administerVault(vault.address, vault.rootToken)
    await administration.post('sys/auth/approle', { type: 'approle' })
    const auth = await administration.createAppRole('one', {
      token_policies: ['app'],
      token_ttl: 2,
    })
    const key = await store.createKey('ES256')
    const signer = await findSigner(vaultTransit({ key, address: vault.address, auth }))
    await signer.sign(Buffer.from('x'))
    // Past two thirds, where it is renewed, and past the end
    await delay(1500)
    await signer.sign(Buffer.from('x'))
    await delay(2500)
    await expect(signer.sign(Buffer.from('x'))).resolves.toHaveLength(64)
  })

  test('a key in a namespace is found there and nowhere else', async () => {
    const { address, rootToken } = vault
    await administerVault(address, rootToken).post('sys/namespaces/team')
    const team = administerVault(address, rootToken, 'team')
    await team.post('sys/mounts/signing', { type: 'transit' })
    await team.createKey('login', 'ES256', 'signing')
    const place = { key: 'login', mount: 'signing', address, auth: { token: rootToken } }
    await findSigner(vaultTransit({ ...place, namespace: 'team' }))
    for (const namespace of [undefined, 'nobody']) {
      await expect(vaultTransit({ ...place, namespace }).keys()).rejects.toMatchObject({
        reason: 'not-found',
      })
    }
  })

  test('a rate limit is told as such', async () => {
    const administration = administerVault(vault.address, vault.rootToken)
    const key = await store.createKey('ES256')
    const limit = { path: 'transit', rate: 1, interval: '60s' }
    await administration.post('sys/quotas/rate-limit/slow', limit)
    const source = store.open(key)
    const signer = await findSigner(source)
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({ reason: 'throttled' })
    await administration.post('sys/quotas/rate-limit/slow', { ...limit, rate: 10_000 })
    await expect(signer.sign(Buffer.from('x'))).resolves.toHaveLength(64)
  })

  test('a key that is deleted softly signs no more', async () => {
    const { address, rootToken } = vault
    const key = await store.createKey('ES256')
    const source = store.open(key)
    const signer = await findSigner(source)
    const administration = administerVault(address, rootToken)
    await administration.remove(`transit/keys/${key}/soft-delete`)
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({ reason: 'disabled' })
    await expect(source.keys({ renew: true })).rejects.toMatchObject({ reason: 'disabled' })
  })

  test('a server that is sealed is told as such', async () => {
    const other = await startOpenBao(`${binary}`)
    const sealed = await createVaultTestKeyStore(other, 'token')
    const signer = await findSigner(sealed.open(await sealed.createKey('ES256')))
    await administerVault(other.address, other.rootToken).post('sys/seal')
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('unseal Vault'),
    })
    await sealed.close()
  })

  test('a key that does not sign is told as such', async () => {
    const { address, rootToken } = vault
    const administration = administerVault(address, rootToken)
    await administration.post('transit/keys/cipher', { type: 'aes256-gcm96' })
    await administration.post('transit/keys/derived', { type: 'ed25519', derived: true })
    for (const key of ['cipher', 'derived']) {
      const source = vaultTransit({ key, address, auth: { token: rootToken } })
      await expect(source.keys()).rejects.toMatchObject({ reason: 'unsupported-algorithm' })
    }
  })
})

async function findSigner(source: ReturnType<typeof vaultTransit>): Promise<Signer> {
  const [key] = await source.keys()
  if (!key) throw new TypeError('there is no key')
  return key.signer
}
