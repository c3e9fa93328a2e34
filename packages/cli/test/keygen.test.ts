import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { presets } from '@countersign/core'
import { jwsAlgorithms } from '@countersign/core/keys'
import { describe, expect, test } from 'vitest'
import { readPublished } from './support/app.ts'
import { createPlace, makeStable, type Place } from './support/run.ts'

const failed = (message: string) => ({
  exitCode: 2,
  stdout: '',
  stderr: `countersign: ${message}\n`,
})

const readMode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('countersign keygen', () => {
  test('makes client-key.pem for its owner alone, and says what to do next', async () => {
    const place = createPlace()
    const { exitCode, stdout, stderr } = await place.run('keygen')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(makeStable(stdout, place)).toBe(
      [
        'A new private key for ES256 is in client-key.pem (mode 0600). Keep it to yourself: not in the repository, not in a mail.',
        '',
        'Public key',
        '<PEM>',
        '',
        'JWK Set',
        '<JWK Set: ES256 alg crv kid kty use x y>',
        '',
        'In the environment of the app',
        'OIDC_CLIENT_KEY=file:./client-key.pem',
        '',
        'At the provider',
        "Best enter the URL of the app's JWK Set: <OIDC_BASE_URL>/.well-known/jwks.json",
        'Where it reads no URL, paste the JWK Set above, or the public key.',
        '',
        'Then',
        'npx countersign doctor',
        '',
      ].join('\n'),
    )
    const pem = readFileSync(place.path('client-key.pem'), 'utf8')
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(readMode(place.path('client-key.pem'))).toBe('600')
    expect(readdirSync(place.cwd)).toEqual(['client-key.pem'])
    const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' })
    expect(stdout).toContain(publicPem)
  })

  test.each(jwsAlgorithms)('makes keys for %s, which an app takes as printed', async (alg) => {
    const { run, path, cwd } = createPlace()
    const made = JSON.parse((await run(`keygen --alg ${alg} --json`)).stdout)
    const key = createPrivateKey(readFileSync(path('client-key.pem')))
    expect(createPublicKey(key).export({ type: 'spki', format: 'pem' })).toBe(made.publicKey)
    expect(made.alg).toBe(alg)
    const uri = made.environment.OIDC_CLIENT_KEY.replace('./', `${cwd}/`)
    const published = await readPublished(uri)
    expect(published).toEqual(made.jwks)
    await run(`keygen --alg ${alg} --set keys.json`)
    const [jwk] = JSON.parse(readFileSync(path('keys.json'), 'utf8')).keys
    expect(jwk).toMatchObject({ alg, use: 'sig' })
    const fromSet = await readPublished(`file:${path('keys.json')}`)
    expect(fromSet.keys).toMatchObject([{ kid: jwk.kid }])
  })

  test('never prints the private half, in text or JSON', async () => {
    const { run, path } = createPlace()
    for (const alg of ['ES256', 'RS256', 'EdDSA']) {
      const set = `${alg}.json`
      const outputs = [
        await run(`keygen --alg ${alg} --set ${set}`),
        await run(`keygen --alg ${alg} --set ${set} --json`),
        await run(`keys rotate ${set}`),
        await run(`keys rotate ${set} --force --json --verbose`),
        await run(`keys list ${set}`),
        await run(`keys list ${set} --json`),
      ]
      const { keys } = JSON.parse(readFileSync(path(set), 'utf8'))
      expect(keys).toHaveLength(4)
      const secrets = keys.flatMap((jwk: Record<string, string>) =>
        ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((name) => jwk[name] ?? []),
      )
      for (const { stdout, stderr } of outputs) {
        for (const secret of secrets) expect(stdout + stderr).not.toContain(secret)
      }
    }
  })

  test('chooses the size of an RSA key', async () => {
    const { run, path } = createPlace()
    await run('keygen --alg PS256 --bits 3072')
    const { asymmetricKeyDetails } = createPrivateKey(readFileSync(path('client-key.pem')))
    expect(asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(await run('keygen --alg RS256 --bits 1024 --out b.pem')).toEqual(
      failed('--bits: must be one of 2048, 3072, 4096'),
    )
  })
})

describe('a provider that is named', () => {
  test('chooses the algorithm, and says where the key goes', async () => {
    const place = createPlace()
    const { stdout } = await place.run('keygen --provider jiko')
    expect(makeStable(stdout, place)).toContain(
      [
        'In the environment of the app',
        'OIDC_PROVIDER=jiko',
        'OIDC_CLIENT_KEY=file:./client-key.pem',
        '',
        'At Jiko: Jiko authentication portal > Settings',
        'Paste the public key above, with its first and last lines.',
        'Choose PS256 as its algorithm there: the app signs with it.',
        'https://docs.jiko.io/products/customer-api/guides/oauth/private-key-jwt',
        '',
      ].join('\n'),
    )
    expect(stdout).toContain('A new private key for PS256 is in')
  })

  test.each([
    ['jiko --alg Ed25519', 'Choose EdDSA as its algorithm there: the app signs with it.'],
    ['auth0 --alg PS256', 'Choose PS256 as its algorithm there: the app signs with it.'],
    ['signicat', 'Paste the JWK: of the JWK Set above the object inside "keys".'],
    ['okta', 'Or paste the JWK Set above.'],
  ])('says what to do there with the key: %s', async (provider, step) => {
    const { stdout } = await createPlace().run(`keygen --provider ${provider} --json`)
    expect(JSON.parse(stdout).registration.steps).toContain(step)
  })

  test.each(['okta', 'login-gov', 'signicat'])(
    'needs no choice of an algorithm: %s',
    async (name) => {
      const { stdout } = await createPlace().run(`keygen --provider ${name}`)
      expect(stdout).not.toContain('Choose ')
    },
  )

  test('may come from the environment, with the URL of the JWK Set', async () => {
    const { run } = createPlace()
    const env = { OIDC_PROVIDER: 'idura', OIDC_BASE_URL: 'https://app.example/base/' }
    const { stdout } = await run('keygen', { env })
    expect(stdout).toContain(
      [
        'At Criipto Verify (Idura): Application settings > OpenID Connect > Client JWKS',
        "Enter the URL of the app's JWK Set: https://app.example/base/.well-known/jwks.json.",
        'Or paste the JWK Set above.',
      ].join('\n'),
    )
  })

  test.each(Object.values(presets))(
    'of the name $name gets a key, or the reason why not',
    async (preset) => {
      const { run, path } = createPlace()
      const { exitCode, stdout, stderr } = await run(`keygen --provider ${preset.name} --json`)
      const takesKeys = preset.registration.forms.some((form) => form !== 'made_there')
      if (preset.assertion && takesKeys) {
        const made = JSON.parse(stdout)
        expect(preset.assertion.algs).toContain(made.alg)
        expect(made.registration.steps.join()).not.toBe('')
        const isRegistered = preset.registration.forms[0] === 'certificate'
        expect('certificate' in made).toBe(
          isRegistered || preset.assertion.certificate !== undefined,
        )
        if (isRegistered) expect(made.registration.steps[0]).toBe('Upload client-key.crt.')
        expect(readMode(path('client-key.pem'))).toBe('600')
      } else {
        expect(stderr).toMatch(/takes no client key|makes the key itself/)
        expect(stderr).toContain(preset.sources[0])
      }
      expect(exitCode).toBe(stdout === '' ? 2 : 0)
    },
  )

  test('refuses an algorithm that its documents rule out', async () => {
    const { run, cwd } = createPlace()
    expect(await run('keygen --provider jiko --alg ES256')).toEqual(
      failed(
        'Jiko does not accept ES256, and accepts PS256, EdDSA: ' +
          'https://docs.jiko.io/products/customer-api/guides/oauth/private-key-jwt',
      ),
    )
    expect(readdirSync(cwd)).toEqual([])
  })

  test('must be known', async () => {
    const { run } = createPlace()
    const names = Object.values(presets).flatMap(({ name, aliases = [] }) => [name, ...aliases])
    const list = `there are ${names.toSorted().join(', ')}`
    expect(await run('keygen --provider jikko')).toEqual(
      failed('--provider: "jikko" is not the name of a provider: did you mean "jiko"?'),
    )
    expect(await run('keygen', { env: { OIDC_PROVIDER: 'x' } })).toEqual(
      failed(`OIDC_PROVIDER: "x" is not the name of a provider: ${list}`),
    )
  })

  test('that makes up the names of keys gets one without a name in a set', async () => {
    const { run, path } = createPlace()
    await run('keygen --provider auth0 --set keys.json')
    const [jwk] = JSON.parse(readFileSync(path('keys.json'), 'utf8')).keys
    expect(jwk).not.toHaveProperty('kid')
  })
})

describe('what is there already', () => {
  test('is not replaced without --force', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('key.pem'), 'precious')
    expect(await run('keygen --out key.pem')).toEqual(
      failed(`${path('key.pem')} is there already: --force replaces it, and its key is lost`),
    )
    expect(readFileSync(path('key.pem'), 'utf8')).toBe('precious')
    expect((await run('keygen --out key.pem --force')).exitCode).toBe(0)
    expect(readFileSync(path('key.pem'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY/)
    expect(readMode(path('key.pem'))).toBe('600')
  })

  test('is not replaced by a certificate either, and then no key is made', async () => {
    const { run, path, cwd } = createPlace()
    writeFileSync(path('key.crt'), 'precious')
    expect(await run('keygen --out key.pem --certificate')).toEqual(
      failed(`${path('key.crt')} is there already: --force replaces it, and its key is lost`),
    )
    expect(readdirSync(cwd)).toEqual(['key.crt'])
  })

  test('is looked for before a key is made: a missing folder, a folder, a file in its place', async () => {
    const { run, path, cwd } = createPlace()
    mkdirSync(path('folder'))
    writeFileSync(path('file'), '')
    expect(await run('keygen --out x/key.pem')).toEqual(
      failed(`${path('x')}: there is no such folder: make it first`),
    )
    expect(await run('keygen --set x/keys.json')).toEqual(
      failed(`${path('x')}: there is no such folder: make it first`),
    )
    expect(await run('keygen --out folder')).toEqual(
      failed(`${path('folder')} is a folder, and a file is needed`),
    )
    expect(await run('keygen --out file/key.pem')).toEqual(
      failed(`${path('file')} is not a folder`),
    )
    expect(readdirSync(cwd).sort()).toEqual(['file', 'folder'])
  })
})

test.each([
  ['--alg HS256', `--alg: must be one of ${jwsAlgorithms.join(', ')}`],
  ['--days 0 --certificate', '--days: must be 1 to 3650'],
  ['--out a.pem --set b.json', '--out and --set are two places for one key: choose one of them'],
  [
    '--set awskms:///alias/login',
    'a key in "awskms:" is not a JWK Set in a file: its times are those of its versions, which only its key store changes',
  ],
  ['--set file:./a.json?nbf=1', 'a set of keys is named without parameters: file:./keys.json'],
])('countersign keygen %s is refused', async (options, message) => {
  const place: Place = createPlace()
  expect(await place.run(`keygen ${options}`)).toEqual(failed(message))
  expect(readdirSync(place.cwd)).toEqual([])
})
