import { constants, createPublicKey, verify } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { KeyError, type Signer } from '@countersign/core/keys'
import { type VaultTransitOptions, vaultTransit } from '@countersign/kms/vault'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { administerVault, type VaultAdministration } from './support/vault/administration.ts'
import { startVaultEmulator, type VaultEmulator } from './support/vault/emulator.ts'

const data = Buffer.from('a text')

let emulator: VaultEmulator
let administration: VaultAdministration

beforeAll(async () => {
  emulator = await startVaultEmulator()
  administration = administerVault(emulator.address, emulator.rootToken)
  await administration.post('sys/mounts/transit', { type: 'transit' })
  await administration.createKey('login', 'ES256')
  await administration.createKey('rsa', 'PS256')
})

afterEach(() => emulator.recover())

afterAll(() => emulator.close())

function open(options: Partial<VaultTransitOptions> = {}) {
  const { address, rootToken } = emulator
  return vaultTransit({ key: 'login', address, auth: { token: rootToken }, ...options })
}

async function findSigner(options?: Partial<VaultTransitOptions>): Promise<Signer> {
  const [key] = await open(options).keys()
  if (!key) throw new TypeError('there is no key')
  return key.signer
}

describe('what is asked', () => {
  test('names the version, the hash and the form of the signature, and holds a digest', async () => {
    await (await findSigner()).sign(data)
    const { body, headers } = emulator.requests.at(-1) ?? {}
    expect(body).toEqual({
      input: expect.stringMatching(/^[\w+/]{43}=$/),
      prehashed: true,
      hash_algorithm: 'sha2-256',
      key_version: 1,
      marshaling_algorithm: 'jws',
    })
    expect(headers).toMatchObject({
      'x-vault-token': emulator.rootToken,
      'x-vault-request': 'true',
    })
    expect(headers).not.toHaveProperty('x-vault-namespace')
  })

  test('pins the version while the key is rotated', async () => {
    await administration.createKey('pinned', 'ES256')
    const signer = await findSigner({ key: 'pinned' })
    await Promise.all([signer.sign(data), administration.rotate('pinned'), signer.sign(data)])
    await signer.sign(data)
    const signs = emulator.requests.filter(({ path }) => path === 'transit/sign/pinned')
    expect(signs.map(({ body }) => body['key_version'])).toEqual([1, 1, 1])
  })

  test.each([
    ['PS256', 'sha256', 32],
    ['PS384', 'sha384', 48],
    ['PS512', 'sha512', 64],
  ] as const)('the salt of %s is as long as its hash', async (alg, hash, saltLength) => {
    const signer = await findSigner({ key: 'rsa', alg })
    const signature = await signer.sign(data)
    expect(isPss(signer, hash, signature, saltLength)).toBe(true)
    expect(isPss(signer, hash, signature, constants.RSA_PSS_SALTLEN_MAX_SIGN)).toBe(false)
  })

  test('without the parameters Vault would sign by PSS with the longest salt', async () => {
    const signer = await findSigner({ key: 'rsa', alg: 'PS256' })
    const answer = await administration.post('transit/sign/rsa', {
      input: data.toString('base64'),
    })
    const { signature } = answer['data'] as { signature: string }
    const octets = Buffer.from(signature.replace('vault:v1:', ''), 'base64')
    expect(isPss(signer, 'sha256', octets, 32)).toBe(false)
    expect(isPss(signer, 'sha256', octets, constants.RSA_PSS_SALTLEN_MAX_SIGN)).toBe(true)
  })

  test('goes to the namespace, and to the mount', async () => {
    await administration.post('sys/namespaces/team')
    const team = administerVault(emulator.address, emulator.rootToken, 'team')
    await team.post('sys/mounts/own/signing', { type: 'transit' })
    await team.createKey('theirs', 'ES256', 'own/signing')
    const place = { key: 'theirs', mount: 'own/signing' }
    await (await findSigner({ ...place, namespace: 'team' })).sign(data)
    expect(emulator.requests.at(-1)).toMatchObject({
      path: 'own/signing/sign/theirs',
      headers: { 'x-vault-namespace': 'team' },
    })
    await expect(open(place).keys()).rejects.toMatchObject({ reason: 'not-found' })
    await expect(open({ ...place, namespace: 'nobody' }).keys()).rejects.toMatchObject({
      reason: 'not-found',
      message: expect.stringContaining('no such namespace'),
    })
  })
})

describe('what is answered', () => {
  const answers: readonly (readonly [string, RequestListener, string])[] = [
    [
      'a redirection, which would be given the token',
      (_, response) => {
        const location = `${emulator.address}/v1/elsewhere`
        response.writeHead(307, { location }).end()
      },
      'the address is one of a standby node',
    ],
    [
      'an answer of 2 MB',
      (_, response) => response.end(JSON.stringify({ data: 'x'.repeat(2_000_000) })),
      'its answers are short',
    ],
    [
      'a page of HTML',
      (_, response) => response.end('<!doctype html><title>Sign in</title>'),
      'something else answers there',
    ],
    ['JSON that is no object', (_, response) => response.end('[]'), 'something else answers there'],
    [
      'the failure of a proxy',
      (_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'),
      'check that the key store is up',
    ],
    [
      'the 404 of a proxy',
      (_, response) => response.writeHead(404).end('404 page not found\n'),
      'something else than Vault answers there',
    ],
    [
      'the 404 of a gateway, in JSON',
      (_, response) => response.writeHead(404).end('{"message":"no Route matched"}'),
      'something else than Vault answers there',
    ],
    [
      'half an answer',
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"data":{')
        setTimeout(() => response.destroy(), 20)
      },
      'check that the key store is up',
    ],
    [
      'a standby node',
      (_, response) => response.writeHead(473).end('{"errors":[]}'),
      'it is a standby node',
    ],
    [
      'a sealed Vault',
      (_, response) => response.writeHead(503).end('{"errors":["Vault is sealed"]}'),
      'unseal Vault',
    ],
  ]

  test.each(answers)('%s is no key', async (_, listener, remedy) => {
    emulator.answer(/keys\/login$/, listener)
    const before = emulator.requests.length
    await expect(open().keys()).rejects.toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      reason: 'unavailable',
      message: expect.stringContaining(remedy),
    })
    const paths = emulator.requests.slice(before).map(({ path }) => path)
    expect(new Set(paths)).toEqual(new Set(['transit/keys/login']))
  })

  test('the 404 of a proxy leaves the keys that are known', async () => {
    const source = open()
    const keys = await source.keys()
    const reported: unknown[] = []
    emulator.answer(/./, (_, response) => response.writeHead(404).end('404 page not found\n'))
    const report = (error: unknown) => reported.push(error)
    expect(await source.keys({ renew: true, report })).toEqual(keys)
    expect(reported).toMatchObject([{ reason: 'unavailable' }])
  })

  test.each([
    ['another version', { signature: 'vault:v2:AAAA', key_version: 2 }],
    ['another version by its number only', { signature: 'vault:v1:AAAA', key_version: 2 }],
    ['DER in base64', { signature: 'vault:v1:MEU+/w==', key_version: 1 }],
    ['nothing', {}],
  ])('a signature of %s is refused', async (_, answer) => {
    const signer = await findSigner()
    emulator.answer(/sign/, (_, response) => response.end(JSON.stringify({ data: answer })))
    await expect(signer.sign(data)).rejects.toMatchObject({ reason: 'bad-signature' })
  })

  test('a rate limit is waited for as long as it says', async () => {
    const signer = await findSigner()
    let times = 0
    emulator.answer(/sign/, (_, response) => {
      if (times++ > 0) emulator.recover()
      response.writeHead(429, { 'retry-after': '1' }).end('{"errors":["quota exceeded"]}')
    })
    const order: string[] = []
    await Promise.all([
      delay(1900).then(() => order.push('a shorter time is over')),
      signer.sign(data).then(() => order.push('signed')),
    ])
    expect(order).toEqual(['a shorter time is over', 'signed'])
    expect(times).toBe(2)
  })

  test('a certificate that is not trusted is told as such, and not asked again', async () => {
    let times = 0
    const cause = Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const untrusting = async () => {
      times++
      throw new TypeError('fetch failed', { cause })
    }
    await expect(open({ fetch: untrusting }).keys()).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    })
    expect(times).toBe(1)
  })

  test('a TypeError that is none of fetch is no failure of Vault', async () => {
    let times = 0
    const broken: typeof fetch = async () => {
      times++
      // A success without the means to read it
      return Object.create(null, { status: { value: 200 } })
    }
    await expect(open({ fetch: broken }).keys()).rejects.toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      reason: undefined,
      cause: { name: 'TypeError' },
    })
    expect(times).toBe(1)
  })

  test('an error that repeats the token is told without it', async () => {
    emulator.answer(/keys/, (request, response) => {
      const text = JSON.stringify({ errors: [`no ${request.headers['x-vault-token']}`] })
      response.writeHead(418).end(text)
    })
    const error = await open()
      .keys()
      .catch((reason: unknown) => reason)
    if (!(error instanceof KeyError)) throw error
    expect(String(error.cause)).toContain('418: no …')
    expect(`${error.message} ${error.cause}`).not.toContain(emulator.rootToken)
  })
})

describe('a key', () => {
  test('at a mount that is not there says where it was looked for', async () => {
    await expect(open({ mount: 'elsewhere' }).keys()).rejects.toMatchObject({
      reason: 'not-found',
      message:
        'hashivault://login does not exist: there is no Transit engine at elsewhere/: check the ' +
        'mount and the namespace',
    })
  })

  test.each([
    ['that only encrypts', { type: 'aes256-gcm96' }, 'it is of the type aes256-gcm96'],
    ['that is derived', { type: 'ed25519', derived: true }, 'derived'],
  ])('%s is refused', async (name, settings, text) => {
    const key = name.replaceAll(' ', '-')
    await administration.post(`transit/keys/${key}`, settings)
    await expect(open({ key }).keys()).rejects.toMatchObject({
      reason: 'unsupported-algorithm',
      message: expect.stringContaining(text),
    })
  })

  test('whose version is not there, or may not sign, says which there are', async () => {
    await administration.createKey('several', 'ES256')
    await administration.rotate('several')
    const options = { key: 'several', version: 7 }
    await expect(open(options).keys()).rejects.toMatchObject({
      reason: 'not-found',
      message: expect.stringContaining('it has 1, 2'),
    })
    await administration.configure('several', { min_encryption_version: 2 })
    await expect(open({ ...options, version: 1 }).keys()).rejects.toMatchObject({
      reason: 'disabled',
    })
    await expect(open({ ...options, version: 2 }).keys()).resolves.toHaveLength(1)
  })

  test('whose old versions are trimmed signs with them no more', async () => {
    await administration.createKey('trimmed', 'ES256')
    const signer = await findSigner({ key: 'trimmed' })
    await administration.rotate('trimmed')
    await administration.configure('trimmed', { min_decryption_version: 2 })
    await expect(signer.sign(data)).rejects.toMatchObject({
      reason: 'disabled',
      message: expect.stringContaining('min_decryption_version'),
    })
    await expect(open({ key: 'trimmed' }).keys()).resolves.toHaveLength(1)
  })

  test('that was removed and made again is another one', async () => {
    await administration.createKey('again', 'ES256')
    const source = open({ key: 'again' })
    const [first] = await source.keys()
    await administration.destroy('again')
    await administration.createKey('again', 'ES256')
    const [second, ...others] = await source.keys({ renew: true })
    expect(others).toEqual([])
    expect(second?.signer.kid).not.toBe(first?.signer.kid)
  })
})

describe('options', () => {
  test.each<[string, object]>([
    ['http: elsewhere', { address: 'http://vault.example.com:8200' }],
    ['an address that is none', { address: 'vault.example.com' }],
    ['a password in the address', { address: 'https://me:wrong-secret@vault.example.com' }],
    ['a query in the address', { address: 'https://vault.example.com/?token=wrong-secret' }],
    ['a key with a path', { key: '../sys/raw' }],
    ['a mount with dots', { mount: '../sys' }],
    ['a mount for the login with dots', { auth: { kubernetesRole: 'x', mount: '..' } }],
    ['a version of 0', { version: 0 }],
    ['a version that is a text', { version: '2' }],
    ['a namespace with a line break', { namespace: 'a\nb' }],
    ['no address', { address: undefined }],
    ['no key', { key: undefined }],
    ['no auth', { auth: undefined }],
    ['a token that is none', { auth: { token: undefined } }],
    ['an empty token', { auth: { token: '', tokenFile: '/wrong-secret' } }],
    ['a token file that is none', { auth: { tokenFile: 1 } }],
    ['half an AppRole', { auth: { roleId: 'wrong-secret' } }],
    ['the other half', { auth: { secretId: 'wrong-secret' } }],
    ['a secret id that is none', { auth: { roleId: 'x', secretId: { path: 'wrong-secret' } } }],
    ['no role', { auth: { kubernetesRole: '' } }],
    ['a fetch that is none', { fetch: 'wrong-secret' }],
    ['a "kid" for every version', { kid: 'mine' }],
  ])('%s is refused at once', (_, options) => {
    const error = catchError(() => open({ ...options }))
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toMatch(/^TypeError: .*"(?:\w+)"/)
    expect(String(error)).not.toContain('wrong-secret')
  })

  test('a "kid" is for a version that is named', async () => {
    const { kid, hasExplicitKid } = await findSigner({ kid: 'mine', version: 1 })
    expect({ kid, hasExplicitKid }).toEqual({ kid: 'mine', hasExplicitKid: true })
  })

  test('one that there is not changes nothing', async () => {
    const options = { key: 'rsa', defaultRsaAlg: 'PS256' }
    expect((await findSigner(options)).alg).toBe('RS256')
  })

  test.each(['-team/-transit', 'a.b/c_d'])('%s is a mount, as it is in a URI', (mount) => {
    expect(open({ mount }).name).toBe('hashivault://login')
  })

  test.each(['https://vault.example.com', 'http://localhost:8200/', 'http://[::1]:8200'])(
    '%s is an address',
    (address) => {
      expect(open({ address }).name).toBe('hashivault://login')
    },
  )

  test('a fetch of the app takes the place of the own one', async () => {
    const asked: string[] = []
    await findSigner({
      fetch: (url, init) => {
        asked.push(String(url))
        return fetch(url, init)
      },
    })
    expect(asked).toEqual([`${emulator.address}/v1/transit/keys/login`])
  })
})

function catchError(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

function isPss(signer: Signer, hash: string, signature: Uint8Array, saltLength: number): boolean {
  const key = createPublicKey({ key: { ...signer.publicJwk }, format: 'jwk' })
  const padding = constants.RSA_PKCS1_PSS_PADDING
  // To verify the longest salt, its length is that of the key less that of the hash and 2
  const longest = 256 - 2 - Number(hash.slice(3)) / 8
  const length = saltLength === constants.RSA_PSS_SALTLEN_MAX_SIGN ? longest : saltLength
  return verify(hash, data, { key, padding, saltLength: length }, signature)
}
