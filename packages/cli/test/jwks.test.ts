import { writeFileSync } from 'node:fs'
import { type Inspection, inspect } from '@countersign/core/inspection'
import { describe, expect, test, vi } from 'vitest'
import { createPlace, makeStable } from './support/run.ts'

// As it is, but where a test has it hand out something else
vi.mock('@countersign/core/inspection', async (importOriginal) => {
  const inspection = await importOriginal<typeof import('@countersign/core/inspection')>()
  return { ...inspection, inspect: vi.fn(inspection.inspect) }
})

const generated = 'keygen --alg ES256 --out key.pem --json'

describe('jwks prints the public half of', () => {
  test('the key of the environment', async () => {
    const { run, path } = createPlace()
    const { jwks } = JSON.parse((await run(generated)).stdout)
    const env = { OIDC_CLIENT_KEY: `file:${path('key.pem')}` }
    const { exitCode, stdout, stderr } = await run('jwks', { env })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual(jwks)
  })

  test('a key that is named, whatever the environment says', async () => {
    const { run, path } = createPlace()
    const { jwks } = JSON.parse((await run(generated)).stdout)
    const env = { OIDC_CLIENT_KEY: 'file:nowhere.pem', OIDC_ISSUER: 'nonsense' }
    const { stdout } = await run(`jwks file:${path('key.pem')}`, { env })
    expect(JSON.parse(stdout)).toEqual(jwks)
  })

  test('an RSA key with the algorithm of the provider, also where other things are missing', async () => {
    const { run, path } = createPlace()
    await run('keygen --alg PS256 --out key.pem')
    const read = async (env: Record<string, string>) =>
      JSON.parse((await run(`jwks file:${path('key.pem')}`, { env })).stdout).keys[0].alg
    expect(await read({})).toBe('RS256')
    expect(await read({ OIDC_PROVIDER: 'jiko' })).toBe('PS256')
    expect(await read({ OIDC_CLIENT_ALG: 'PS384' })).toBe('PS384')
    // It wants a certificate as well, which says nothing about what is published
    expect(await read({ OIDC_PROVIDER: 'entra' })).toBe('PS256')
  })

  test.each([
    ['entra', {}],
    ['entra', { OIDC_CLIENT_CERT: 'file:nowhere.crt' }],
    ['jiko', {}],
  ])('the key of the environment with the algorithm of %s %j', async (provider, others) => {
    const { run, path } = createPlace()
    await run('keygen --alg PS256 --out key.pem')
    const OIDC_CLIENT_KEY = `file:${path('key.pem')}`
    const { stdout } = await run('jwks', {
      env: { OIDC_PROVIDER: provider, OIDC_CLIENT_KEY, ...others },
    })
    expect(JSON.parse(stdout).keys[0].alg).toBe('PS256')
  })

  test.each(['itsme', 'login-gov'])('a key for %s, which demands more than a key', async (name) => {
    const { run } = createPlace()
    await run('keygen --alg RS256 --out key.pem')
    const { stderr, stdout } = await run('jwks key.pem', { env: { OIDC_PROVIDER: name } })
    expect({ stderr, keys: JSON.parse(stdout).keys }).toMatchObject({
      stderr: '',
      keys: [{ alg: 'RS256' }],
    })
  })

  test('a key that is named by its path, in the folder of the command', async () => {
    const { run, path } = createPlace()
    const made = JSON.parse((await run('keygen --out 100%?.pem --json')).stdout)
    for (const place of ['100%?.pem', './100%?.pem', path('100%?.pem')]) {
      expect(JSON.parse((await run(`jwks ${place}`)).stdout)).toEqual(made.jwks)
    }
  })

  test('a key for decryption, besides the one that signs and alone', async () => {
    const { run, path } = createPlace()
    await run(generated)
    await run('keygen --alg ES256 --out enc.pem')
    const OIDC_CLIENT_ENCRYPTION_KEY = `file:${path('enc.pem')}`
    const both = { OIDC_CLIENT_KEY: `file:${path('key.pem')}`, OIDC_CLIENT_ENCRYPTION_KEY }
    const uses = async (env: Record<string, string>) =>
      JSON.parse((await run('jwks', { env })).stdout).keys.map(({ use }: { use: string }) => use)
    expect(await uses(both)).toEqual(['sig', 'enc'])
    expect(await uses({ OIDC_CLIENT_ENCRYPTION_KEY })).toEqual(['enc'])
  })

  test('keys as PEM', async () => {
    const place = createPlace()
    const { run, path } = place
    await run(generated)
    const { stdout } = await run(`jwks --pem file:${path('key.pem')}`)
    expect(makeStable(stdout, place)).toBe('<PEM>\n')
    await run('keygen --alg ES256 --out enc.pem')
    const env = {
      OIDC_CLIENT_KEY: `file:${path('key.pem')}`,
      OIDC_CLIENT_ENCRYPTION_KEY: `file:${path('enc.pem')}`,
    }
    const several = await run('jwks --pem', { env })
    expect(makeStable(several.stdout, place)).toBe(
      '<SHA-256>, sig, ES256\n<PEM>\n\n<SHA-256>, enc, ECDH-ES+A256KW\n<PEM>\n',
    )
    const json = JSON.parse((await run('jwks --pem --json', { env })).stdout)
    expect(json.keys.map(({ pem }: { pem: string }) => makeStable(pem, place))).toEqual([
      '<PEM>\n',
      '<PEM>\n',
    ])
  })
})

test.each(['RS256', 'ES256', 'EdDSA'])(
  'jwks prints nothing private of a key for %s',
  async (alg) => {
    const { run, path } = createPlace()
    await run(`keygen --alg ${alg} --out key.pem`)
    const { stdout } = await run(`jwks file:${path('key.pem')}`)
    const [key] = JSON.parse(stdout).keys
    const isPrivate = (name: string) => /^(?:d|p|q|dp|dq|qi|oth|k)$/.test(name)
    expect(Object.keys(key).filter(isPrivate)).toEqual([])
  },
)

test('jwks prints nothing private, whatever a source of keys hands out', async () => {
  const { run, path } = createPlace()
  await run(generated)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'public', kid: 'one' } as const
  const careless: Partial<Inspection> = {
    publishedKeys: () => Promise.resolve([{ ...jwk, d: 'private', oth: ['private'] }]),
    close: () => Promise.resolve(),
  }
  vi.mocked(inspect).mockReturnValueOnce(careless as Inspection)
  const { exitCode, stdout } = await run(`jwks ${path('key.pem')}`)
  expect({ exitCode, keys: JSON.parse(stdout).keys }).toEqual({ exitCode: 0, keys: [jwk] })
})

describe('jwks says in one line', () => {
  test('that there is no key', async () => {
    expect(await createPlace().run('jwks')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'countersign: there is no key: name one (countersign jwks ./key.pem), or set ' +
        'OIDC_CLIENT_KEY\n',
    })
  })

  test('that a key cannot be read', async () => {
    const place = createPlace()
    const { exitCode, stdout, stderr } = await place.run(`jwks file:${place.path('nowhere.pem')}`)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(makeStable(stderr, place)).toBe(
      'countersign: the configuration has a fault:\n' +
        '  the key that is named: <folder>/nowhere.pem cannot be read (ENOENT)\n',
    )
    const env = { OIDC_CLIENT_KEY: `file:${place.path('nowhere.pem')}` }
    expect((await place.run('jwks', { env })).stderr).toContain('\n  OIDC_CLIENT_KEY: ')
  })

  test.each([
    ['awskm:///alias/login', '"awskm:" is not a scheme that is known: did you mean "awskms:"?'],
    ['nowhere.pem', 'is neither a PEM '],
  ])('what is wrong with %s, by its own name', async (key, fault) => {
    const env = { OIDC_CLIENT_KEY: 'file:innocent.pem' }
    const { exitCode, stderr } = await createPlace().run(`jwks ${key}`, { env })
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`\n  the key that is named: ${fault}`)
    expect(stderr).not.toContain('OIDC_CLIENT_KEY')
  })

  test('that the provider takes no such key', async () => {
    const { run, path } = createPlace()
    await run(generated)
    const { stderr } = await run('jwks key.pem', { env: { OIDC_PROVIDER: 'jiko' } })
    expect(stderr).toContain(
      `\n  the key that is named: ${path('key.pem')} signs with ES256, and Jiko accepts`,
    )
  })

  test('that what is there is none, and not what it is', async () => {
    const place = createPlace()
    writeFileSync(place.path('list.txt'), 'milk and honey')
    const { exitCode, stderr } = await place.run(`jwks file:${place.path('list.txt')}`)
    expect(exitCode).toBe(2)
    expect(stderr).not.toContain('honey')
  })
})
