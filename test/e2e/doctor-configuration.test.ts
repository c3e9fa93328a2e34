import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
let folder: string
beforeAll(async () => {
  setting = await startDoctorSetting()
  folder = await mkdtemp(join(tmpdir(), 'countersign-doctor-'))
})
afterAll(async () => {
  await setting.close()
  await rm(folder, { recursive: true })
})

/** What is printed where the configuration cannot work: all of it. */
async function refuse(changes: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { code, stdout, stderr } = await setting.run(changes)
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
  expect(stdout).not.toMatch(/\n {4,}at |node:internal/)
  return setting.settle(stdout).replaceAll(folder, '/folder')
}

describe('the doctor finds a configuration', () => {
  test('with several faults, and tells them all at once', async () => {
    const changes = { OIDC_CLIENT_ID: undefined, OIDC_SESSION_SECRET: 'short', OIDC_ISUER: 'x' }
    expect(await refuse(changes)).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✖ Configuration   3 faults: the app does not start
                          OIDC_CLIENT_ID: is required
                          OIDC_ISUER: is not a variable of ours: did you mean OIDC_ISSUER?
                          OIDC_SESSION_SECRET: must have at least 32 characters, and has 5: make one with
                          "openssl rand -hex 32"
                          do:    Correct the environment (or the --env-file), and run the doctor again.
        ✔ Session store   none: sessions are in sealed cookies

        1 broken, 1 well, 9 skipped in <time>
        The other checks need a configuration that can work.

      "
    `)
  })

  test('for a provider that is not known, and says which one was meant', async () => {
    expect(await refuse({ OIDC_PROVIDER: 'jikko' })).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✖ Configuration   a fault: the app does not start
                          OIDC_PROVIDER: is not the name of a provider: did you mean "jiko"?
                          do:    Correct the environment (or the --env-file), and run the doctor again.
        ✔ Session store   none: sessions are in sealed cookies

        1 broken, 1 well, 9 skipped in <time>
        The other checks need a configuration that can work.

      "
    `)
  })

  test('that the provider rules out, with the document that says so', async () => {
    expect(await refuse({ OIDC_PROVIDER: 'jiko' })).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✖ Configuration   a fault: the app does not start
                          OIDC_CLIENT_KEY: signs with ES256, and Jiko accepts PS256 or EdDSA
                          (https://docs.jiko.io/products/customer-api/guides/oauth/private-key-jwt)
                          do:    Correct the environment (or the --env-file), and run the doctor again.
        ✔ Session store   none: sessions are in sealed cookies

        1 broken, 1 well, 9 skipped in <time>
        The other checks need a configuration that can work.

      "
    `)
  })

  test('whose key is not there', async () => {
    const OIDC_CLIENT_KEY = `file:${join(folder, 'nowhere.pem')}`
    expect(await refuse({ OIDC_CLIENT_KEY })).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✖ Configuration   a fault: the app does not start
                          OIDC_CLIENT_KEY: /folder/nowhere.pem cannot be read
                          (ENOENT)
                          do:    Correct the environment (or the --env-file), and run the doctor again.
        ✔ Session store   none: sessions are in sealed cookies

        1 broken, 1 well, 9 skipped in <time>
        The other checks need a configuration that can work.

      "
    `)
  })

  test('whose key is none', async () => {
    const file = join(folder, 'no-key.pem')
    await writeFile(file, 'this is a shopping list', { mode: 0o600 })
    expect(await refuse({ OIDC_CLIENT_KEY: `file:${file}` })).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✖ Configuration   a fault: the app does not start
                          OIDC_CLIENT_KEY: /folder/no-key.pem is neither a PEM
                          ("-----BEGIN PRIVATE KEY-----"), a JWK or JWK Set ("{…}"), nor base64 of one; a
                          file is named by file:./key.pem, a variable by env:NAME
                          do:    Correct the environment (or the --env-file), and run the doctor again.
        ✔ Session store   none: sessions are in sealed cookies

        1 broken, 1 well, 9 skipped in <time>
        The other checks need a configuration that can work.

      "
    `)
  })

  test('whose key is too small', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 1024,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    expect(await refuse({ OIDC_CLIENT_KEY: privateKey })).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✖ Configuration   a fault: the app does not start
                          OIDC_CLIENT_KEY: is an RSA key of 1024 bits, and 2048 is the least: make a new
                          one
                          do:    Correct the environment (or the --env-file), and run the doctor again.
        ✔ Session store   none: sessions are in sealed cookies

        1 broken, 1 well, 9 skipped in <time>
        The other checks need a configuration that can work.

      "
    `)
  })
})

describe('the doctor finds a session secret', () => {
  const good = '7ebf29bd1d5f3e1c0a9b8c7d6e5f40312233445566778899aabbccddeeff0011'

  test.each([
    ['is one character over and over', 'a'.repeat(64)],
    ['is a short text over and over', 'ab1'.repeat(20)],
    ['has only 4 different characters', 'abcdabdcacbdacdbadbcadcbbacdbadcbcad'],
    ['is made of words', 'please-replace-this-text-by-another'],
    ['is made of words', 'correct horse battery staple and more'],
  ])('that %s', async (weakness, secret) => {
    const { code, stdout } = await setting.run({ OIDC_SESSION_SECRET: secret })
    expect(code).toBe(1)
    expect(stdout).toMatch(new RegExp(`^ +OIDC_SESSION_SECRET ${weakness}$`, 'm'))
    expect(stdout).not.toContain(secret)
  })

  test('that is the old one of two, and weak', async () => {
    const OIDC_SESSION_SECRET = `${good},${'a'.repeat(64)}`
    expect(await setting.examine({ OIDC_SESSION_SECRET })).toMatchInlineSnapshot(`
      "exit code 1
        ! Configuration   client "app" with private_key_jwt, at http://app
                          secret 2 of OIDC_SESSION_SECRET is one character over and over
                          means: Who guesses it can make a session of anybody.
                          do:    Make one with "openssl rand -hex 32".
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is good', async () => {
    expect((await setting.run({ OIDC_SESSION_SECRET: good })).code).toBe(0)
  })
})

describe('the doctor finds a base URL', () => {
  test('for development, in production', async () => {
    expect(await setting.examine({ NODE_ENV: 'production' })).toMatchInlineSnapshot(`
      "exit code 1
        ! Configuration   client "app" with private_key_jwt, at http://app
                          NODE_ENV is production, and OIDC_BASE_URL is http://app
                          means: Cookies are not Secure, and browsers elsewhere cannot come back from the
                                 provider.
                          do:    Set OIDC_BASE_URL to the https URL that people see in their browser.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})
