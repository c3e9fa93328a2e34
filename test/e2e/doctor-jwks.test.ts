import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateClientKey } from '@countersign/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examineServer, serveInstead } from './support/doctor-front.ts'
import type { PlainServer } from './support/doctor-server.ts'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
beforeAll(async () => {
  setting = await startDoctorSetting()
})
afterAll(() => setting.close())

function sendJson(response: ServerResponse, value: unknown, cacheControl?: string): void {
  response.setHeader('content-type', 'application/json')
  if (cacheControl) response.setHeader('cache-control', cacheControl)
  response.end(JSON.stringify(value))
}

const jwksPath = '/.well-known/jwks.json'

/** What the app itself publishes. */
async function readSet(): Promise<{ readonly keys: readonly object[] }> {
  const response = await fetch(setting.app.url + jwksPath)
  return (await response.json()) as { readonly keys: readonly object[] }
}

async function serveJwks(answer: RequestListener): Promise<PlainServer> {
  return await serveInstead(setting, { [jwksPath]: answer })
}

describe('the doctor finds a JWK Set', () => {
  test('without the key that signs', async () => {
    const { publicJwk } = await generateClientKey()
    const keys = [{ ...publicJwk, kid: 'another' }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has one key
                          the key that signs, "<kid>", is not among
                          "another"
                          means: The provider does not find the key that an assertion names:
                                 invalid_client.
                          do:    Compare OIDC_CLIENT_KEY of the app with the one here, and restart the
                                 app if it changed.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with the key that signs by another name', async () => {
    const set = await readSet()
    const keys = [{ ...set.keys[0], kid: 'another' }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has one key
                          the key that signs is there as "another", and signs as
                          "<kid>"
                          means: The provider does not find the key that an assertion names:
                                 invalid_client.
                          do:    Compare OIDC_CLIENT_KEY of the app with the one here, and restart the
                                 app if it changed.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with a private key', async () => {
    const { privateJwk } = await generateClientKey('RS256')
    const set = await readSet()
    const keys = [...set.keys, { ...privateJwk, kid: 'private' }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    const text = await examineServer(setting, server)
    expect(text).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has 2 keys
                          key "private" shows its d, p, q, dp, dq, qi
                          means: The private key is public: whoever read it can sign in as this app,
                                 wherever it is registered.
                          do:    Take it down now, make a new key, and remove the old one at the
                                 provider.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
    expect(text).not.toContain(String(privateJwk.d))
  })

  test('that is kept for weeks', async () => {
    const set = await readSet()
    await using server = await serveJwks((_request, response) =>
      sendJson(response, set, 'public, max-age=2592000'),
    )
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ! JWK Set         http://else/.well-known/jwks.json has one key
                          it may be kept for 720 hours (max-age=2592000)
                          means: A new key must have been published for longer than that before it signs.
                          do:    Have whatever sets Cache-Control there keep it for minutes: the app
                                 itself says 300 s.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is a web page', async () => {
    await using server = await serveJwks((_request, response) => response.end('<html></html>'))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json answers with a web page (HTML),
                          not with a JWK Set
                          means: A provider finds no key there: invalid_client.
                          do:    Look at what answers there: the route may be another one, or something
                                 stands before the app.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is behind a login', async () => {
    await using server = await serveJwks((_request, response) =>
      response.writeHead(302, { location: 'https://sso.example/login' }).end(),
    )
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json answers with a redirect to
                          https://sso.example/login
                          means: Providers follow no redirect, sign in nowhere, and take no other answer
                                 than 200.
                          do:    Look at what answers there: the route may be another one, or something
                                 stands before the app.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is not there, and not needed', async () => {
    await using server = await serveJwks((_request, response) => response.writeHead(404).end())
    const { privateKeyPem } = await generateClientKey('EdDSA')
    const changes = { OIDC_PROVIDER: 'jiko', OIDC_CLIENT_KEY: privateKeyPem }
    expect(await examineServer(setting, server, changes)).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   Jiko, client "app" with private_key_jwt, at http://else
        ✔ Algorithm       the provider takes EdDSA
        ✔ Key             an Ed25519 key, loaded in <time> and signs EdDSA in <time>
        ✔ Assertion       aud is the token endpoint, no kid, for 60 s
        ! JWK Set         http://else/.well-known/jwks.json answers 404
                          means: Jiko takes no JWKS URL, so that logins work nevertheless.
                          do:    Look at what answers there: the route may be another one, or something
                                 stands before the app.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with another key by the name of the one that signs', async () => {
    const { publicJwk } = await generateClientKey('ES256')
    const set = await readSet()
    const keys = [{ ...set.keys[0], ...publicJwk, kid: setting.kid }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has one key
                          the key "<kid>" there is another one than
                          the key that signs
                          means: The provider does not find the key that an assertion names:
                                 invalid_client.
                          do:    Compare OIDC_CLIENT_KEY of the app with the one here, and restart the
                                 app if it changed.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with two keys by the name of the one that signs', async () => {
    const { publicJwk } = await generateClientKey('ES256')
    const set = await readSet()
    const keys = [...set.keys, { ...publicJwk, kid: setting.kid }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has 2 keys
                          2 keys have the name "<kid>"
                          means: A provider may take the other one, and find that no signature is good:
                                 invalid_client.
                          do:    Look at what answers there: the app itself publishes one key by a name.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with a key that does both, once for each', async () => {
    const set = await readSet()
    const keys = [...set.keys, { ...set.keys[0], use: 'enc' }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with the key that signs for encryption', async () => {
    const set = await readSet()
    const keys = [{ ...set.keys[0], use: 'enc' }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has one key
                          the key that signs is there for encryption ("use": "enc")
                          means: The provider does not find the key that an assertion names:
                                 invalid_client.
                          do:    Compare OIDC_CLIENT_KEY of the app with the one here, and restart the
                                 app if it changed.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('without the key for encryption', async () => {
    const { privateKeyPem } = await generateClientKey('RS256')
    await using server = await serveInstead(setting, {})
    const changes = { OIDC_CLIENT_ENCRYPTION_KEY: privateKeyPem }
    const text = await examineServer(setting, server, changes)
    expect(text.replace(/"[\w-]{43}"/, '"<its kid>"')).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has one key
                          the key for encryption, "<its kid>", is not
                          there
                          means: The provider encrypts nothing, or for a key that is not ours.
                          do:    Compare OIDC_CLIENT_ENCRYPTION_KEY of the app with the one here, and
                                 restart the app if it changed.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('without the key that signs next', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-doctor-'))
    const { privateKeyPem } = await generateClientKey('ES256')
    await writeFile(join(folder, 'now.pem'), setting.privateKeyPem, { mode: 0o600 })
    await writeFile(join(folder, 'next.pem'), privateKeyPem, { mode: 0o600 })
    await using server = await serveInstead(setting, {})
    const changes = { OIDC_CLIENT_KEY: `file:${folder}/now.pem file:${folder}/next.pem` }
    const text = await examineServer(setting, server, changes)
    await rm(folder, { recursive: true })
    expect(text.replace(/"[\w-]{43}"/, '"<its kid>"')).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ! JWK Set         http://else/.well-known/jwks.json has one key
                          a key that is to be published, "<its kid>",
                          is not there
                          means: The provider does not find it on the day on which it signs:
                                 invalid_client.
                          do:    Give the app the keys that are used here; where a cache keeps the set,
                                 wait for its end.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with something that is no key, and a private one beside it', async () => {
    const { privateJwk } = await generateClientKey('ES256')
    const set = await readSet()
    const keys = [...set.keys, null, { ...privateJwk, kid: 'private' }]
    await using server = await serveJwks((_request, response) => sendJson(response, { keys }))
    const text = await examineServer(setting, server)
    expect(text).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has 3 keys
                          key "private" shows its d
                          means: The private key is public: whoever read it can sign in as this app,
                                 wherever it is registered.
                          do:    Take it down now, make a new key, and remove the old one at the
                                 provider.
                          entry 2 of it is no key
                          means: Providers may refuse the whole set: invalid_client.
                          do:    Look at what answers there: the app itself publishes keys alone.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
    expect(text).not.toContain(String(privateJwk.d))
  })

  test('with a name that is nested without end', async () => {
    const depth = 100_000
    const kid = '['.repeat(depth) + ']'.repeat(depth)
    const body = JSON.stringify({ keys: [{ kty: 'EC', kid: '<kid>' }] }).replace('"<kid>"', kid)
    await using server = await serveJwks((_request, response) => response.end(body))
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json has one key
                          the key that signs, "<kid>", is not among
                          one whose kid is no text
                          means: The provider does not find the key that an assertion names:
                                 invalid_client.
                          do:    Compare OIDC_CLIENT_KEY of the app with the one here, and restart the
                                 app if it changed.
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
    for (const flag of ['--json', '--verbose']) {
      const { code, stderr } = await setting.run({ OIDC_BASE_URL: server.url }, [flag])
      expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    }
  })
})
