import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findPort } from '../support/examples.ts'
import { serveTls } from './support/doctor-server.ts'
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
      1 broken, 6 well, 4 skipped in <time>"
    `)
  })

  test('that takes the request and never answers', async () => {
    setting.provider.behave.hang.discovery = true
    expect(await setting.examine({}, ['--timeout', '0.2'])).toMatchInlineSnapshot(`
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
      1 broken, 7 well, 3 skipped in <time>"
    `)
  })
})

describe('the doctor finds a clock', () => {
  test('that is a little ahead', async () => {
    const now = () => Date.now() / 1000 + 8
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 1
        ! Clock           our clock is <time> ahead of the provider's
                          means: Most providers allow 10 s. Some allow none for assertions that come from
                                 the future.
                          do:    Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM
                                 or container that of its host.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is far ahead', async () => {
    const now = () => Date.now() / 1000 + 31
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Clock           our clock is <time> ahead of the provider's
                          means: The client assertion is from the future for the provider: it answers
                                 invalid_client.
                          do:    Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM
                                 or container that of its host.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that is far behind', async () => {
    const now = () => Date.now() / 1000 - 31
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Clock           our clock is <time> behind the provider's
                          means: ID Tokens are from the future for us and are refused, and assertions are
                                 half over when they arrive.
                          do:    Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM
                                 or container that of its host.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that differs too little to matter', async () => {
    const now = () => Date.now() / 1000 + 4
    expect(await setting.examine({}, [], { now })).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Clock           our clock is <time> ahead of the provider's
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})

describe('the doctor finds a provider', () => {
  test('that does not list private_key_jwt', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Authentication  the provider does not list private_key_jwt, but client_secret_basic,
                          client_secret_post
                          means: A provider that does not take private_key_jwt answers invalid_client at
                                 every login.
                          do:    Look in the provider's settings for private_key_jwt: it may have to be
                                 switched on for this client, or for a plan.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that does not list private_key_jwt, which its documents name', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
    })
    expect(await setting.examine({ OIDC_PROVIDER: 'keycloak' })).toMatchInlineSnapshot(`
      "exit code 1
        ✔ Configuration   Keycloak, client "app" with private_key_jwt, at http://app
        ! Authentication  the provider does not list private_key_jwt, but client_secret_basic
                          means: The documents of Keycloak name it: for this tenant or plan it may be
                                 switched off.
                          do:    Run the doctor with --probe: it asks the provider itself.
                          see:   https://www.keycloak.org/docs/latest/server_admin/#_client-credentials
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that lists no way of authentication', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: undefined,
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 1
        ! Authentication  the provider does not list its ways of authentication, which stands for
                          client_secret_basic
                          means: A provider that does not take private_key_jwt answers invalid_client at
                                 every login.
                          do:    Look in the provider's settings for private_key_jwt: it may have to be
                                 switched on for this client, or for a plan.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that does not list the algorithm of the key', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_signing_alg_values_supported: ['RS256', 'PS256'],
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Algorithm       the provider does not list ES256, but RS256, PS256
                          means: It refuses assertions that are signed with another algorithm:
                                 invalid_client.
                          do:    Make a key that fits: npx countersign keygen --alg PS256; an RSA key
                                 that is there signs with OIDC_CLIENT_ALG=PS256.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that writes anything in place of its lists', async () => {
    setting.provider.behave.metadata = (metadata) => ({
      ...metadata,
      token_endpoint_auth_methods_supported: 'private_key_jwt',
      token_endpoint_auth_signing_alg_values_supported: { ES256: [null] },
    })
    expect(await setting.examine()).toMatchInlineSnapshot(`
      "exit code 1
        ! Authentication  the provider does not list its ways of authentication, which stands for
                          client_secret_basic
                          means: A provider that does not take private_key_jwt answers invalid_client at
                                 every login.
                          do:    Look in the provider's settings for private_key_jwt: it may have to be
                                 switched on for this client, or for a plan.
        ✔ Algorithm       ES256: the provider does not list its algorithms
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})
