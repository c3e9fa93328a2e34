import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { findPort } from '../../../test/house/ports.ts'
import { createPlace, makeStable, type Place } from './support/run.ts'

type Environment = Readonly<Record<string, string>>

/** The environment of an app that has a key for a provider. */
async function createApp(place: Place, alg: string, changes: Environment): Promise<Environment> {
  await place.run(`keygen --alg ${alg} --out key.pem --certificate`)
  return {
    LANG: 'C.UTF-8',
    OIDC_ISSUER: `http://127.0.0.1:${await findPort()}`,
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_KEY: `file:${place.path('key.pem')}`,
    OIDC_BASE_URL: 'http://localhost:3000',
    OIDC_SESSION_SECRET: '7ebf29bd1d5f3e1c0a9b8c7d6e5f4031',
    ...changes,
  }
}

/** Runs the emulator for as long as something is done with it. */
async function runWhile(
  place: Place,
  env: Environment,
  act: () => Promise<void>,
  line = 'emulator',
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  const waitForEnd = () => act()
  const ended = await place.run(line, { env, waitForEnd })
  return { ...ended, stdout: settle(ended.stdout, env, place) }
}

function settle(text: string, env: Environment, place: Place): string {
  const { origin } = new URL(env['OIDC_ISSUER'] ?? '')
  return makeStable(text.replaceAll(origin, 'http://provider'), place)
}

async function probe(
  place: Place,
  env: Environment,
  change: (form: Record<string, string>) => Record<string, string> = (form) => form,
): Promise<string> {
  const { endpoint, form } = JSON.parse((await place.run('assertion --json', { env })).stdout)
  const response = await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams(change(form)),
  })
  const { error } = (await response.json()) as { error: string }
  return error
}

describe('emulator', () => {
  test('is the provider of the environment, and says what it is', async () => {
    const place = createPlace()
    const env = await createApp(place, 'PS256', { OIDC_PROVIDER: 'jiko' })
    let error = ''
    const { exitCode, stdout, stderr } = await runWhile(place, env, async () => {
      error = await probe(place, env)
    })
    expect({ exitCode, stderr, error }).toEqual({ exitCode: 0, stderr: '', error: 'invalid_grant' })
    expect(stdout).toMatchInlineSnapshot(`
      "
        ✔ Jiko is on this machine

          Issuer      http://provider
          Client      app, by its public key (PEM)
          Back to     http://localhost:3000/callback
          Sign in as  Ada Lovelace, Grace Hopper, or Alan Turing (no password)
          It demands  PS256 or EdDSA, aud is the token endpoint, no kid, typ JWT, at most 300 s, each jti once
          Says who    https://docs.jiko.io/products/customer-api/guides/oauth/private-key-jwt
          In earnest  register the key at Jiko authentication portal > Settings

          Ctrl+C to stop. What it refuses is told below.

            Jiko: grant.error: invalid_grant: authorization code not found
      "
    `)
  })

  test('says which rule was broken', async () => {
    const place = createPlace()
    const env = await createApp(place, 'EdDSA', { OIDC_PROVIDER: 'jiko' })
    const { stdout } = await runWhile(place, env, async () => {
      await probe(place, env, ({ client_id: _, ...others }) => others)
    })
    expect(stdout.split('told below.\n')[1]).toMatchInlineSnapshot(`
      "
          ✖ Jiko: token: the rule "client_id" is broken: the form must have "client_id" as well (https://docs.jiko.io/products/customer-api/guides/oauth/private-key-jwt)
      "
    `)
  })

  test('marks in colour what breaks a rule, and nothing else', async () => {
    const place = createPlace()
    const changes = { OIDC_PROVIDER: 'jiko', FORCE_COLOR: '1' }
    const env = await createApp(place, 'EdDSA', changes)
    const { stdout } = await runWhile(place, env, async () => {
      await probe(place, env)
      await probe(place, env, ({ client_id: _, ...others }) => others)
      await probe(place, env)
    })
    const [good, bad, again] = stdout.trimEnd().split('\n').slice(-3)
    const csi = '\u001b['
    expect(good).toMatch(`      ${csi}2mJiko: grant.error: invalid_grant: `)
    expect(bad).toMatch(`    ${csi}31m✖${csi}39m Jiko: token: the rule "client_id" is broken: `)
    expect(again).toBe(good)
  })

  test('marks assertions that are refused by a provider that is none in particular', async () => {
    const place = createPlace()
    const env = await createApp(place, 'ES256', {})
    const { stdout } = await runWhile(place, env, async () => {
      await probe(place, env, (form) => ({ ...form, client_assertion: 'e30.e30.e30' }))
    })
    expect(stdout.split('told below.\n')[1]).toMatch(/^\n {4}✖ token: invalid_client: /)
  })

  test('speaks JSON to programs, a line each time', async () => {
    const place = createPlace()
    const env = await createApp(place, 'EdDSA', { OIDC_PROVIDER: 'jiko' })
    const act = async () => {
      await probe(place, env)
      await probe(place, env, ({ client_id: _, ...others }) => others)
    }
    const { stdout } = await runWhile(place, env, act, 'emulator --json')
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        type: 'ready',
        provider: 'jiko',
        issuer: 'http://provider',
        clientId: 'app',
        registeredBy: 'its public key (PEM)',
        redirectUris: ['http://localhost:3000/callback'],
        accounts: ['Ada Lovelace', 'Grace Hopper', 'Alan Turing'],
      },
      {
        type: 'log',
        message: 'Jiko: grant.error: invalid_grant: authorization code not found',
      },
      {
        type: 'refusal',
        endpoint: 'token',
        rule: 'client_id',
        message: 'the form must have "client_id" as well',
        clientId: 'app',
      },
    ])
  })

  test.each([
    ['auth0', 'RS256', {}, 'its public key (PEM)'],
    ['signicat', 'RS256', {}, 'its JWK Set (1)'],
    ['entra', 'PS256', { OIDC_CLIENT_CERT: 'key.crt' }, 'its certificate'],
    [
      'apple',
      'ES256',
      { OIDC_ASSERTION_ISSUER: 'ABCDE12345', kid: 'AB1CD2EF34' },
      'its public key',
    ],
  ])('registers the key in the form that %s takes', async (provider, alg, others, form) => {
    const place = createPlace()
    const { OIDC_CLIENT_CERT: file, kid, ...more }: Record<string, string> = others
    const certificate = file && { OIDC_CLIENT_CERT: `file:${place.path(file)}` }
    const named = kid && { OIDC_CLIENT_KEY: `file:${place.path('key.pem')}?kid=${kid}` }
    const changes = { OIDC_PROVIDER: provider, ...more, ...certificate, ...named }
    const first = await createApp(place, alg, changes)
    // What the emulator of a provider wants its issuer to be is said where it is another
    const { stderr } = await runWhile(place, first, async () => {})
    const [, issuer] = /must be exactly (\S+) for/.exec(stderr) ?? []
    const env = issuer === undefined ? first : { ...first, OIDC_ISSUER: issuer }
    let error = ''
    const ended = await runWhile(place, env, async () => {
      error = await probe(place, env)
    })
    expect({ ...ended, error }).toMatchObject({ exitCode: 0, stderr: '', error: 'invalid_grant' })
    expect(ended.stdout).toContain(`app, by ${form}`)
  })

  test('of no provider in particular is strict as well', async () => {
    const place = createPlace()
    const env = await createApp(place, 'ES256', {})
    let error = ''
    const { stdout } = await runWhile(place, env, async () => {
      error = await probe(place, env)
    })
    expect(error).toBe('invalid_grant')
    expect(stdout).toContain('A strict provider is on this machine')
  })
})

describe('emulator says in one line', () => {
  test('that the issuer must be on this machine', async () => {
    const place = createPlace()
    const env = await createApp(place, 'PS256', {
      OIDC_PROVIDER: 'jiko',
      OIDC_ISSUER: 'https://auth.jiko.io',
    })
    expect(await place.run('emulator', { env })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'countersign: OIDC_ISSUER must be on this machine for an emulator, such as ' +
        'http://127.0.0.1:4000, and is https://auth.jiko.io\n',
    })
  })

  test('that the provider takes no JWKS URL', async () => {
    const place = createPlace()
    const env = await createApp(place, 'PS256', { OIDC_PROVIDER: 'jiko' })
    expect((await place.run('emulator --jwks-url', { env })).stderr).toBe(
      'countersign: Jiko takes no JWKS URL: leave --jwks-url away\n',
    )
  })

  test('that the provider takes no keys at all', async () => {
    const place = createPlace()
    const { OIDC_CLIENT_KEY: _, ...others } = await createApp(place, 'PS256', {
      OIDC_PROVIDER: 'google',
    })
    const env = { ...others, OIDC_CLIENT_SECRET: 'a client secret' }
    expect((await place.run('emulator', { env })).stderr).toBe(
      'countersign: the emulator knows clients by their keys, and this one authenticates with ' +
        'client_secret_basic: Google takes no client key, and knows clients by client_secret_post or ' +
        'client_secret_basic (https://developers.google.com/identity/openid-connect/openid-connect)\n',
    )
  })

  test('that its port is taken', async () => {
    const place = createPlace()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const OIDC_ISSUER = `http://127.0.0.1:${port}`
    const env = await createApp(place, 'PS256', { OIDC_PROVIDER: 'jiko', OIDC_ISSUER })
    const { exitCode, stderr } = await place.run('emulator', { env })
    server.close()
    expect(exitCode).toBe(2)
    expect(stderr).toBe(`countersign: somebody else listens on port ${port}: change OIDC_ISSUER\n`)
  })
})
