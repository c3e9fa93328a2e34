import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findPort } from '../house/ports.ts'
import { serve, serveTls } from './support/doctor-server.ts'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
beforeAll(async () => {
  setting = await startDoctorSetting()
})
afterEach(() => setting.provider.reset())
afterAll(() => setting.close())

describe('the doctor finds an issuer', () => {
  test('that is wrong by one character', async () => {
    const { issuer } = setting.provider
    expect(await setting.examine({ OIDC_ISSUER: `${issuer}/` })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       the provider says that it is another issuer
                          configured  http://provider/
                          provider    http://provider
                                                            ^ character 23: the second one ends here
                          means: The two must be identical, character by character: no ID Token would be
                                 accepted.
                          do:    If this is the right provider, set OIDC_ISSUER to exactly
                                 "http://provider".
                          see:   https://openid.net/specs/openid-connect-discovery-1_0.html
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test('that says it is another one', async () => {
    setting.provider.behave.metadata = (metadata) => ({ ...metadata, issuer: 'https://b.example' })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       the provider says that it is another issuer
                          configured  http://provider
                          provider    https://b.example
                                          ^ character 5
                          means: The two must be identical, character by character: no ID Token would be
                                 accepted.
                          do:    If this is the right provider, set OIDC_ISSUER to exactly
                                 "https://b.example".
                          see:   https://openid.net/specs/openid-connect-discovery-1_0.html
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test('at which nobody listens', async () => {
    const OIDC_ISSUER = `http://127.0.0.1:${await findPort()}`
    const text = await setting.examine({ OIDC_ISSUER })
    expect(text.replaceAll(OIDC_ISSUER, 'http://nobody')).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://nobody cannot be reached: the connection was refused
                          means: Nobody listens at that address and port.
                          do:    Look whether the server runs, and compare host and port.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('whose host there is not', async () => {
    const OIDC_ISSUER = 'https://nowhere.invalid'
    expect(await setting.examine({ OIDC_ISSUER })).toMatchInlineSnapshot(`
      "exit code 2
        ! Configuration   client "app" with private_key_jwt, at http://app
                          OIDC_BASE_URL is http://app, and the provider is elsewhere
                          means: It cannot read the keys at http://app/.well-known/jwks.json,
                                 nor send logouts there.
                          do:    Register the key itself for development: npx countersign jwks prints it.
        ✖ Discovery       https://nowhere.invalid cannot be reached: its host name is not known
                          means: The name is misspelt, or this machine cannot ask its DNS: there may be
                                 no network.
                          do:    Compare the host name letter by letter, and look it up from this
                                 machine.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 1 warning, 5 well, 4 skipped in <time>"
    `)
  })

  test('whose certificate is of a private authority', async () => {
    await using server = await serveTls((_request, response) => response.end('{}'))
    const text = await setting.examine({ OIDC_ISSUER: server.url })
    expect(text.replaceAll(server.url, 'https://private')).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       https://private cannot be reached: its certificate is not from an
                          authority that is trusted here
                          means: The server has a certificate of a private authority, or something
                                 between reads along.
                          do:    Set NODE_EXTRA_CA_CERTS to the PEM file of that authority, for the app
                                 as well.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('that is https where http is spoken', async () => {
    const OIDC_ISSUER = setting.provider.issuer.replace('http:', 'https:')
    const text = await setting.examine({ OIDC_ISSUER })
    expect(text.replaceAll(OIDC_ISSUER, 'https://provider')).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       https://provider cannot be reached: it does not speak TLS
                          means: The URL is https, and the server behind that port speaks something else:
                                 plain http.
                          do:    Correct the port or the scheme.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('at which a web page is', async () => {
    setting.provider.behave.discoveryBody = '<!doctype html><title>Sign in</title>'
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration answers with a web page
                          (HTML), not with metadata
                          means: A web server answers everything there: the app itself, a login page, or
                                 a proxy.
                          do:    Compare "http://provider" with the provider's documents, its path
                                 included.
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test('at which there is no metadata', async () => {
    setting.provider.behave.discoveryStatus = 404
    expect(await setting.examine({ OIDC_PROVIDER: 'keycloak' })).toMatchInlineSnapshot(`
      "exit code 2
        ✔ Configuration   Keycloak, client "app" with private_key_jwt, at http://app
        ✖ Discovery       http://provider/.well-known/openid-configuration answers 404
                          means: There is no metadata there: the issuer is another URL, or a part of its
                                 path is missing.
                          do:    Compare it with Keycloak's: it looks like
                                 "https://{host}/realms/{realm}".
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test('that redirects to another one', async () => {
    setting.provider.behave.redirect.discovery =
      'https://login.example/.well-known/openid-configuration'
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration answers with a redirect
                          to https://login.example/.well-known/openid-configuration
                          means: Redirects are not followed: they could lead anywhere. The issuer is
                                 another URL.
                          do:    If that is the provider, set OIDC_ISSUER to the "issuer" in its
                                 metadata: probably "https://login.example".
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('that answers with an error of its own', async () => {
    setting.provider.behave.discoveryStatus = 503
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration answered 503
                          means: Logins fail with 503 for as long as this lasts; who is signed in stays
                                 so.
                          do:    Look at the status page of the provider, and open
                                 http://provider/.well-known/openid-configuration in a browser.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('that takes the request and never answers', async () => {
    setting.provider.behave.hang.discovery = true
    expect(await setting.examine({}, ['--timeout', '2'])).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration: there was no answer in
                          time
                          means: A firewall may drop the packets without a word, or the server is very
                                 slow.
                          do:    Look at firewalls and proxies on the way. --timeout gives it more
                                 seconds.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('that lacks an endpoint', async () => {
    setting.provider.behave.metadata = ({ token_endpoint: _, ...others }) => others
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration must have
                          "token_endpoint" as an https URL, got undefined
                          means: The metadata lacks what a login needs.
                          do:    Tell those who run the provider, or look for another issuer of it.
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test('that redirects to itself', async () => {
    const { issuer, behave } = setting.provider
    behave.redirect.discovery = `${issuer}/.well-known/openid-configuration`
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration answers with a redirect
                          to itself
                          means: What stands before the provider wants something that only browsers send:
                                 cookies.
                          do:    Have it let /.well-known/ and the endpoints through; "curl -i" shows
                                 what it says.
        – Clock           skipped: the provider does not answer
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('that was asked too often', async () => {
    setting.provider.behave.discoveryStatus = 429
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration answers 429: it was
                          asked too often
                          means: The provider, or what stands before it, limits requests: of this app, or
                                 of this network.
                          do:    Ask again later; if it goes on, look for who asks that often, or have
                                 the limit raised.
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test.each([401, 403])('that lets nobody in (%i)', async (status) => {
    setting.provider.behave.discoveryStatus = status
    expect((await setting.examine()).replace(`${status}`, '<status>')).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       http://provider/.well-known/openid-configuration answers <status>: it is not
                          for everybody
                          means: Metadata is public: something before the provider wants a login, or
                                 knows other networks.
                          do:    Have the network or the proxy let this machine through, as it must let
                                 the app.
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test('of more characters than there is room for, wrong by one of them', async () => {
    const found = `https://b.example/${'tenant/'.repeat(50)}`
    setting.provider.behave.metadata = (metadata) => ({ ...metadata, issuer: found })
    const OIDC_ISSUER = `${setting.provider.issuer}/`
    expect(await setting.examine({ OIDC_ISSUER })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Discovery       the provider says that it is another issuer
                          configured  http://provider/
                          provider    https://b.example/tenant/tenant/tenant/tenant/tenant/tenant/tena…
                                          ^ character 5
                          means: The two must be identical, character by character: no ID Token would be
                                 accepted.
                          do:    If this is the right provider, set OIDC_ISSUER to the "issuer" of its
                                 metadata, which is long and begins with
                                 "https://b.example/tenant/tenant/tenant/t…".
                          see:   https://openid.net/specs/openid-connect-discovery-1_0.html
        – Authentication  skipped: see Discovery
        – Algorithm       skipped: see Discovery
        – Assertion       skipped: see Discovery
        ✔ Redirect URI    a login leads to http://provider/authorize, and back to
                          http://app/callback
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })

  test.each([
    ['far from its beginning', 'tenant/'.repeat(50)],
    ['after what nobody sees', 'a\u202eb\u2066'],
  ])('that differs %s', async (_what, path) => {
    await using server = await serve(({ headers }, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ issuer: `http://${headers.host}/${path}theirs` }))
    })
    const { stdout } = await setting.run({ OIDC_ISSUER: `${server.url}/${path}ours` })
    const [, picture = ''] = /issuer\n((?:.*\n){3})/.exec(stdout) ?? []
    const [configured = '', provider = '', caret = ''] = picture.split('\n')
    const at = caret.indexOf('^')
    expect(configured.slice(at, at + 1) + provider.slice(at, at + 1)).toBe('ot')
    expect(configured.slice(at)).toBe('ours')
    expect(provider.length).toBeLessThan(100)
  })
})
