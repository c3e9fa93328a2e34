import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examineServer, sendToProvider, serveInstead } from './support/doctor-front.ts'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
beforeAll(async () => {
  setting = await startDoctorSetting()
})
afterAll(() => setting.close())

describe('the doctor finds an app', () => {
  test.each([431, 400])('before which something answers %i to large cookies', async (status) => {
    await using server = await serveInstead(setting, {
      '/login': (request, response) => {
        const { cookie = '' } = request.headers
        if (cookie.length > 4000) return void response.writeHead(status).end()
        sendToProvider(setting, request, response)
      },
    })
    expect(
      (await examineServer(setting, server)).replaceAll(`${status}`, '<status>'),
    ).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
        ✖ Cookies         with 8 kB of cookies the answer is <status>
                          means: The app, or what stands before it, takes smaller headers than a session
                                 may need: some End-Users see this error at every page, and cannot even
                                 sign out.
                          do:    Raise the limit (nginx: large_client_header_buffers 4 16k; Node:
                                 --max-http-header-size), or keep sessions in a store.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that sets a cookie no browser keeps', async () => {
    await using server = await serveInstead(setting, {
      '/login': (request, response) => {
        response.setHeader('set-cookie', `big=${'b'.repeat(5000)}`)
        sendToProvider(setting, request, response)
      },
    })
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
        ✖ Cookies         a login sets a cookie of 5004 bytes
                          means: Browsers drop a cookie of more than 4096 bytes without a word: the login
                                 cannot end.
                          do:    Look at what stands before the app and sets cookies; ours are never that
                                 large.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test.each([500, 502])('that answers %i to large cookies', async (status) => {
    await using server = await serveInstead(setting, {
      '/login': (request, response) => {
        const { cookie = '' } = request.headers
        if (cookie.length > 4000) return void response.writeHead(status).end()
        sendToProvider(setting, request, response)
      },
    })
    expect(
      (await examineServer(setting, server)).replaceAll(`${status}`, '<status>'),
    ).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
        ✖ Cookies         with 8 kB of cookies the answer is <status>, and without them 303
                          means: The app, or what stands before it, minds cookies of the size that a
                                 session may have.
                          do:    Look at the log of the app and of what stands before it; run the doctor
                                 again to see whether it was chance.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test.each([403, 503])('that answers %i to large cookies, maybe by chance', async (status) => {
    await using server = await serveInstead(setting, {
      '/login': (request, response) => {
        const { cookie = '' } = request.headers
        if (cookie.length > 4000) return void response.writeHead(status).end()
        sendToProvider(setting, request, response)
      },
    })
    expect(
      (await examineServer(setting, server)).replaceAll(`${status}`, '<status>'),
    ).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
        ! Cookies         with 8 kB of cookies the answer is <status>, and without them 303
                          means: The app, or what stands before it, minds cookies of the size that a
                                 session may have.
                          do:    Look at the log of the app and of what stands before it; run the doctor
                                 again to see whether it was chance.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that never answers to large cookies', async () => {
    await using server = await serveInstead(setting, {
      '/login': (request, response) => {
        const { cookie = '' } = request.headers
        if (cookie.length <= 4000) sendToProvider(setting, request, response)
      },
    })
    expect(await examineServer(setting, server, {}, ['--timeout', '2'])).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
        ✖ Cookies         with 8 kB of cookies the login cannot be opened: there was no answer in time
                          means: Without them there was an answer: the app, or what stands before it,
                                 minds them.
                          do:    Look at firewalls and proxies on the way. --timeout gives it more
                                 seconds.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that hangs up at large cookies', async () => {
    await using server = await serveInstead(setting, {
      '/login': (request, response) => {
        const { cookie = '' } = request.headers
        if (cookie.length > 4000) return void request.socket.destroy()
        sendToProvider(setting, request, response)
      },
    })
    expect(await examineServer(setting, server)).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with private_key_jwt, at http://else
        ✔ JWK Set         http://else/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://else/callback
        ✖ Cookies         with 8 kB of cookies the connection is closed
                          means: The app, or what stands before it, takes smaller headers than a session
                                 may need: some End-Users see this error at every page, and cannot even
                                 sign out.
                          do:    Raise the limit (nginx: large_client_header_buffers 4 16k; Node:
                                 --max-http-header-size), or keep sessions in a store.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})
