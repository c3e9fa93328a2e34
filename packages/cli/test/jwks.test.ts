import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createPlace, makeStable } from './support/run.ts'

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

describe('jwks says in one line', () => {
  test('that there is no key', async () => {
    expect(await createPlace().run('jwks')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'countersign: there is no key: name one (countersign jwks file:./key.pem), or set ' +
        'OIDC_CLIENT_KEY\n',
    })
  })

  test('that a key cannot be read', async () => {
    const place = createPlace()
    const { exitCode, stdout, stderr } = await place.run(`jwks file:${place.path('nowhere.pem')}`)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(makeStable(stderr, place)).toBe(
      'countersign: the configuration has a fault:\n' +
        '  OIDC_CLIENT_KEY: <folder>/nowhere.pem cannot be read (ENOENT)\n',
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
