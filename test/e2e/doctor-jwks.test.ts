import type { RequestListener, ServerResponse } from 'node:http'
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
})
