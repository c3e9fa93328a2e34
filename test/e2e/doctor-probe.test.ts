import { generateClientKey } from '@countersign/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
beforeAll(async () => {
  setting = await startDoctorSetting()
})
afterEach(() => setting.provider.reset())
afterAll(() => setting.close())

describe('the doctor asks a provider that', () => {
  test('knows the key', async () => {
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 0
      All is well: 12 well in <time>"
    `)
  })

  test('does not know the key', async () => {
    const { jwks } = await generateClientKey()
    setting.provider.registerClient({ clientId: 'other', jwks: { keys: [...jwks.keys] } })
    expect(await setting.examine({ OIDC_CLIENT_ID: 'other' }, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "other" with private_key_jwt, at http://app
        ✖ Redirect URI    the app that runs there is client "app", and not "other"
                          means: The doctor looks at another client than the one that people sign in
                                 with.
                          do:    Run the doctor with the environment of the app.
        – Cookies         skipped: see Redirect URI
        ✖ Registration    the provider answers invalid_client: the client assertion does not verify: no
                          applicable key found in the JSON Web Key Set
                          means: Most likely: no key that is registered has this "kid" and "alg"
                          do:    Compare "kid" and "alg" of the header with what is registered.
                          means: Or: the key is not registered with "alg" "ES256" and "kid"
                                 "<kid>", or under another name or
                                 algorithm, or the provider still has an old copy of the JWK Set
                          do:    Register the JWKS URL of this app, or upload what it has; "npx
                                 countersign jwks" shows it.
                          means: Or: some providers look for a "kid" that they have made up themselves
                          do:    Give the key that name ("?kid=…"), or set "assertion.kid" to false.
                          means: Or: "aud" is the issuer, and some providers want their token endpoint
                          do:    Try "token_endpoint" as "assertion.audience".
                          means: Or: "other" is not the client_id, or the client is not set to
                                 private_key_jwt
                          do:    Compare "clientId" and the authentication method with the page of this
                                 client at the provider.
      2 broken, 9 well, 1 skipped in <time>"
    `)
  })

  test('does not know the client, and writes what a terminal would obey', async () => {
    setting.provider.behave.tokenStatus = 401
    setting.provider.behave.tokenBody = JSON.stringify({
      error: 'invalid_client',
      error_description: 'no \u001b[2Jsuch client',
    })
    const text = await setting.examine({}, ['--probe'])
    expect(text).not.toContain('\u001b')
    expect(text).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Registration    the provider answers invalid_client: no ?[2Jsuch client
                          means: Most likely: the key is not registered with "alg" "ES256" and "kid"
                                 "<kid>", or under another name or
                                 algorithm, or the provider still has an old copy of the JWK Set
                          do:    Register the JWKS URL of this app, or upload what it has; "npx
                                 countersign jwks" shows it.
                          means: Or: some providers look for a "kid" that they have made up themselves
                          do:    Give the key that name ("?kid=…"), or set "assertion.kid" to false.
                          means: Or: "aud" is the issuer, and some providers want their token endpoint
                          do:    Try "token_endpoint" as "assertion.audience".
                          means: Or: "app" is not the client_id, or the client is not set to
                                 private_key_jwt
                          do:    Compare "clientId" and the authentication method with the page of this
                                 client at the provider.
      1 broken, 11 well in <time>"
    `)
  })

  test('refuses the client without a word', async () => {
    setting.provider.behave.tokenStatus = 401
    setting.provider.behave.tokenBody = ''
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Registration    the provider answers 401, and says nothing
                          means: Most likely: the key is not registered with "alg" "ES256" and "kid"
                                 "<kid>", or under another name or
                                 algorithm, or the provider still has an old copy of the JWK Set
                          do:    Register the JWKS URL of this app, or upload what it has; "npx
                                 countersign jwks" shows it.
                          means: Or: some providers look for a "kid" that they have made up themselves
                          do:    Give the key that name ("?kid=…"), or set "assertion.kid" to false.
                          means: Or: "aud" is the issuer, and some providers want their token endpoint
                          do:    Try "token_endpoint" as "assertion.audience".
                          means: Or: "app" is not the client_id, or the client is not set to
                                 private_key_jwt
                          do:    Compare "clientId" and the authentication method with the page of this
                                 client at the provider.
      1 broken, 11 well in <time>"
    `)
  })

  test('refuses the client in words of its own', async () => {
    setting.provider.behave.tokenStatus = 400
    setting.provider.behave.tokenBody = JSON.stringify({
      error: 'unauthorized_client',
      error_description: "AADSTS700016: Application with identifier 'app' was not found",
    })
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Registration    the provider answers unauthorized_client: AADSTS700016: Application with
                          identifier 'app' was not found
                          means: Most likely: there is no application of this "client_id" in this tenant
                          do:    Compare "clientId" with the Application (client) ID, and the tenant in
                                 "issuer" with that of the application.
                          see:   https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
                          means: Or: the key is not registered with "alg" "ES256" and "kid"
                                 "<kid>", or under another name or
                                 algorithm, or the provider still has an old copy of the JWK Set
                          do:    Register the JWKS URL of this app, or upload what it has; "npx
                                 countersign jwks" shows it.
                          means: Or: some providers look for a "kid" that they have made up themselves
                          do:    Give the key that name ("?kid=…"), or set "assertion.kid" to false.
                          means: Or: "aud" is the issuer, and some providers want their token endpoint
                          do:    Try "token_endpoint" as "assertion.audience".
                          means: Or: "app" is not the client_id, or the client is not set to
                                 private_key_jwt
                          do:    Compare "clientId" and the authentication method with the page of this
                                 client at the provider.
      1 broken, 11 well in <time>"
    `)
  })

  test('knows a client by its secret, which has no key to look at', async () => {
    const clientSecret = 'a client secret for tests'
    setting.provider.registerClient({ clientId: 'app', clientSecret })
    const changes = { OIDC_CLIENT_KEY: undefined, OIDC_CLIENT_SECRET: clientSecret }
    const text = await setting.examine(changes, ['--probe'])
    expect(text).not.toContain(clientSecret)
    expect(text).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Configuration   client "app" with client_secret_basic, at http://app
        ✔ Authentication  the provider takes client_secret_basic
        – Algorithm       skipped: client_secret_basic needs no key
        – Key             skipped: client_secret_basic needs no key
        – Assertion       skipped: client_secret_basic needs no key
        – JWK Set         skipped: the app has no key to publish
        ✔ Registration    the provider knows this client: it minds the code alone (invalid_grant)
      All is well: 8 well, 4 skipped in <time>"
    `)
    const wrong = { ...changes, OIDC_CLIENT_SECRET: 'another client secret' }
    expect(await setting.examine(wrong, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   client "app" with client_secret_basic, at http://app
        ✔ Authentication  the provider takes client_secret_basic
        – Algorithm       skipped: client_secret_basic needs no key
        – Key             skipped: client_secret_basic needs no key
        – Assertion       skipped: client_secret_basic needs no key
        – JWK Set         skipped: the app has no key to publish
        ✖ Registration    the provider answers invalid_client: the client secret is wrong
                          means: Most likely: the client secret is another one there, or has expired
                          do:    Copy it once more, without spaces or a line end.
                          means: Or: "app" is not the client_id, or the client is not set to
                                 client_secret_basic
                          do:    Compare "clientId" and the authentication method with the page of this
                                 client at the provider.
      1 broken, 7 well, 4 skipped in <time>"
    `)
  })

  test('minds something else', async () => {
    setting.provider.behave.tokenError = { error: 'unauthorized_client' }
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    the provider answers unauthorized_client
                          means: That says nothing of the key: the request failed for another reason.
                          do:    Read what it says; then sign in once and look at the events of the app.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a token endpoint that is out of order', async () => {
    setting.provider.behave.raw.token = { status: 500, body: 'oops' }
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token answers 500
                          means: Whether the provider knows the key is not known. The provider is out of
                                 order, and no login can end until it is back.
                          do:    Look at its status page, and run the doctor again.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a token endpoint that was asked too often', async () => {
    setting.provider.behave.raw.token = { status: 429 }
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token answers 429: it was asked too often
                          means: Whether the provider knows the key is not known. The provider limits
                                 requests: of this client, or of this network.
                          do:    Ask again later; if it goes on, look for who asks that often, or have
                                 the limit raised.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a web page in place of its token endpoint', async () => {
    setting.provider.behave.raw.token = { status: 403, body: '<html>blocked</html>' }
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token answers as no token endpoint does: a web page
                          where JSON is due (status 403, content type "text/html")
                          means: Whether the provider knows the key is not known. Something else answers
                                 in its place: a firewall, a proxy, or a page about an error.
                          do:    Look at what stands between this machine and the provider, and at its
                                 status page.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a token endpoint that answers with a redirect', async () => {
    setting.provider.behave.redirect.token = 'https://sso.example/'
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token answers with a redirect (302), and redirects are
                          not followed
                          means: Whether the provider knows the key is not known. What answers there is
                                 no token endpoint, or something stands before it.
                          do:    Look at the metadata, and at a proxy or a login between this machine and
                                 the provider.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a token endpoint that does not end its answer', async () => {
    setting.provider.behave.raw.token = { body: 'x'.repeat(2 ** 21), contentType: 'text/plain' }
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token answered with more than 1024 kB
                          means: Whether the provider knows the key is not known. Something else answers
                                 in its place: a firewall, a proxy, or a page about an error.
                          do:    Look at what stands between this machine and the provider, and at its
                                 status page.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a token endpoint that never answers', async () => {
    setting.provider.behave.hang.token = true
    const flags = ['--probe', '--timeout', '2']
    expect(await setting.examine({}, flags)).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token cannot be reached: there was no answer in time
                          means: Whether the provider knows the key is not known. A firewall may drop the
                                 packets without a word, or the server is very slow.
                          do:    Look at firewalls and proxies on the way. --timeout gives it more
                                 seconds.
      1 warning, 11 well in <time>"
    `)
  })

  test('has a token endpoint that hangs up', async () => {
    setting.provider.behave.drop.token = true
    expect(await setting.examine({}, ['--probe'])).toMatchInlineSnapshot(`
      "exit code 1
        ! Registration    http://provider/token cannot be reached: the connection was closed
                          without an answer
                          means: Whether the provider knows the key is not known. The server, or
                                 something before it, hung up: perhaps it wants another protocol.
                          do:    Look at the log of the server and of what stands before it.
      1 warning, 11 well in <time>"
    `)
  })
})
