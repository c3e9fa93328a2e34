import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPort } from '../house/ports.ts'
import { examineServer, serveInstead } from './support/doctor-front.ts'
import { serve, serveTls } from './support/doctor-server.ts'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
beforeAll(async () => {
  setting = await startDoctorSetting()
})
afterAll(() => setting.close())

describe('the doctor finds an app', () => {
  test('that does not run', async () => {
    const OIDC_BASE_URL = `http://localhost:${await findPort()}`
    const text = await setting.examine({ OIDC_BASE_URL })
    expect(text.replaceAll(OIDC_BASE_URL, 'http://nobody')).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   client "app" with private_key_jwt, at http://nobody
        ! JWK Set         http://nobody/.well-known/jwks.json cannot be read: the connection was
                          refused
                          means: The app does not run. A provider that reads the keys there cannot,
                                 either.
                          do:    Start the app, and run the doctor again.
        ! Redirect URI    nobody answers at http://nobody: the app does not run
                          means: Whether End-Users get to the provider and back could not be looked at.
                          do:    Start the app, and run the doctor again.
        – Cookies         skipped: the app does not answer
      2 warnings, 8 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that speaks http where its URL is https', async () => {
    const OIDC_BASE_URL = setting.app.url.replace('http:', 'https:')
    const text = await setting.examine({ OIDC_BASE_URL })
    expect(text.replaceAll(OIDC_BASE_URL, 'https://app')).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at https://app
        ✖ JWK Set         https://app/.well-known/jwks.json cannot be read: it does not speak
                          TLS
                          means: The URL is https, and the server behind that port speaks something else:
                                 plain http.
                          do:    Correct the port or the scheme.
        ✖ Redirect URI    OIDC_BASE_URL is https://app, and plain http is spoken there
                          means: Browsers come back from the provider to a page that cannot be opened.
                          do:    Let TLS end there, at a proxy or the app; or on this machine set
                                 OIDC_BASE_URL to http.
        – Cookies         skipped: see Redirect URI
      2 broken, 8 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that speaks https where its URL is http', async () => {
    await using server = await serveTls((_request, response) => response.end())
    const OIDC_BASE_URL = server.url.replace('https:', 'http:')
    const text = await setting.examine({ OIDC_BASE_URL })
    expect(
      text.replaceAll(OIDC_BASE_URL, 'http://else').replaceAll(server.url, 'https://else'),
    ).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json cannot be read: the connection was
                          closed without an answer
                          means: The server, or something before it, hung up: perhaps it wants another
                                 protocol.
                          do:    Look at the log of the server and of what stands before it.
        ✖ Redirect URI    OIDC_BASE_URL is http://else, and https is spoken there
                          means: Browsers come back from the provider to a page that cannot be opened.
                          do:    Set OIDC_BASE_URL to https://else, and register that redirect
                                 URI.
        – Cookies         skipped: see Redirect URI
      2 broken, 8 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('before which everything is sent on to https', async () => {
    await using server = await serve((request, response) =>
      response.writeHead(301, { location: `https://${request.headers.host}${request.url}` }).end(),
    )
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json answers with a redirect to
                          https://else/.well-known/jwks.json
                          means: Providers follow no redirect, sign in nowhere, and take no other answer
                                 than 200.
                          do:    Look at what answers there: the route may be another one, or something
                                 stands before the app.
        ✖ Redirect URI    OIDC_BASE_URL is http://else, and everything there is sent on to
                          https
                          means: The redirect URI of a login is one that the app is not at, with cookies
                                 that are not secure.
                          do:    Set OIDC_BASE_URL to https://else, and register that redirect
                                 URI.
        – Cookies         skipped: see Redirect URI
      2 broken, 8 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('with another redirect URI', async () => {
    const url = new URL(setting.app.url)
    const OIDC_BASE_URL = `http://127.0.0.1:${url.port}`
    const text = await setting.examine({ OIDC_BASE_URL })
    expect(text.replaceAll(OIDC_BASE_URL, 'http://127.0.0.1')).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://127.0.0.1
        ✔ JWK Set         http://127.0.0.1/.well-known/jwks.json has the key that signs
        ✖ Redirect URI    the app that runs there has another redirect URI
                          configured  http://127.0.0.1/callback
                          app         http://app/callback
                                             ^ character 8
                          means: The provider takes only the registered one, or browsers come back to
                                 another place.
                          do:    Give the app the OIDC_BASE_URL that is used here, and restart it.
        – Cookies         skipped: see Redirect URI
      1 broken, 9 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is another client', async () => {
    setting.provider.trustAnyClient()
    expect(await setting.examine({ OIDC_CLIENT_ID: 'another' })).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "another" with private_key_jwt, at http://app
        ✖ Redirect URI    the app that runs there is client "app", and not "another"
                          means: The doctor looks at another client than the one that people sign in
                                 with.
                          do:    Run the doctor with the environment of the app.
        – Cookies         skipped: see Redirect URI
      1 broken, 9 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is none', async () => {
    await using server = await serve((_request, response) => response.writeHead(404).end())
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✖ JWK Set         http://else/.well-known/jwks.json answers 404
                          means: Providers follow no redirect, sign in nowhere, and take no other answer
                                 than 200.
                          do:    Look at what answers there: the route may be another one, or something
                                 stands before the app.
        ✖ Redirect URI    http://else/login answers 404, and not with a redirect to the
                          provider
                          means: What answers there is not the app, or it has its login route elsewhere:
                                 the callback may be missing as well.
                          do:    Look at what listens on that host and port, and compare OIDC_BASE_URL,
                                 its path included.
        – Cookies         skipped: see Redirect URI
      2 broken, 8 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that cannot start a login now', async () => {
    await using server = await serveInstead(setting, {
      '/login': (_request, response) => response.writeHead(503).end(),
    })
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ! Redirect URI    http://else/login answers 503
                          means: The app runs, and cannot start a login now: it does not reach the
                                 provider, or what stands before it does not reach the app.
                          do:    Look at the events of the app (login.failed) and at the checks above.
        ✔ Cookies         a login sets 0 bytes, and 8 kB of cookies get through
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that pushes its Authentication Requests, and sees nothing wrong in that', async () => {
    await using server = await serveInstead(setting, {
      '/login': (_request, response) => {
        const { issuer } = setting.provider
        const location = `${issuer}/authorize?client_id=app&request_uri=urn:x:1`
        response.writeHead(303, { location }).end()
      },
    })
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, by a pushed request
        ✔ Cookies         a login sets 0 bytes, and 8 kB of cookies get through
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that stands behind a login of another kind', async () => {
    await using server = await serveInstead(setting, {
      '/login': (_request, response) =>
        response.writeHead(302, { location: 'https://sso.example/start' }).end(),
    })
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✖ Redirect URI    http://else/login leads to https://sso.example/start, which is no
                          login
                          means: Something else answers there: a proxy with a login of its own, or
                                 another app.
                          do:    Look at what stands before the app, and let its routes through.
        – Cookies         skipped: see Redirect URI
      1 broken, 9 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that sends people to another provider', async () => {
    for (const more of ['', '&request_uri=urn:x:1']) {
      await using server = await serveInstead(setting, {
        '/login': ({ headers }, response) => {
          const redirectUri = encodeURIComponent(`http://${headers.host}/callback`)
          const query = `client_id=app&redirect_uri=${redirectUri}${more}`
          response.writeHead(303, { location: `https://phish.example/authorize?${query}` }).end()
        },
      })
      expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
        "exit code 2
          ✔ Configuration   client "app" with private_key_jwt, at http://else
          ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
          ✖ Redirect URI    the app that runs there sends people to another provider
                            provider  http://provider/authorize
                            app       https://phish.example/authorize
                                          ^ character 5
                            means: People sign in somewhere else than at the provider that the doctor looks
                                   at.
                            do:    Give the app the OIDC_ISSUER that is used here, and restart it; if it
                                   has it, look at what stands before the app.
          – Cookies         skipped: see Redirect URI
        1 broken, 9 well, 1 skipped in <time>
          Whether the provider knows the key: countersign doctor --probe"
      `)
    }
  })

  test('that pushes its Authentication Requests as another client', async () => {
    await using server = await serveInstead(setting, {
      '/login': (_request, response) => {
        const { issuer } = setting.provider
        const location = `${issuer}/authorize?client_id=another&request_uri=urn:x:1`
        response.writeHead(303, { location }).end()
      },
    })
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✖ Redirect URI    the app that runs there is client "another", and not "app"
                          means: The doctor looks at another client than the one that people sign in
                                 with.
                          do:    Run the doctor with the environment of the app.
        – Cookies         skipped: see Redirect URI
      1 broken, 9 well, 1 skipped in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})
