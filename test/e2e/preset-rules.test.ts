import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AssertionDemands,
  type EventError,
  type JwsAlgorithm,
  type OidcEvent,
  type Options,
  type Preset,
  presets,
} from '@countersign/core'
import { type EmulatorRule, findEmulatedRules } from '@countersign/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  certify,
  chooseForm,
  keyFor,
  listPublicKeys,
  type PresetSetting,
  type RunningApp,
  readAlgorithms,
  startPreset,
} from '../contract/preset.ts'
import { breakRule } from '../contract/preset-rules.ts'
import { mainFrameworks } from '../support/frameworks.ts'

/** What an emulator's rule is called where the app explains the refusal, when that is another name. */
function nameCause(rule: EmulatorRule, { assertion }: Preset): string {
  switch (rule) {
    case 'jti_once':
      return 'jti'
    // What is registered there, nobody knows here
    case 'jwks_uri':
      return 'key'
    case 'kid':
      return assertion?.kidRule ? 'kid' : 'key'
    case 'alg':
      return isAccepted('RS512', assertion) ? 'key' : 'alg'
    default:
      return rule
  }
}

function isAccepted(alg: JwsAlgorithm, demands: AssertionDemands | undefined): boolean {
  return (
    demands?.algs.includes(alg) === true && misfits.every((name) => demands.algs.includes(name))
  )
}

/** Rules of requests at which no client authenticates. */
const ofOthers: readonly EmulatorRule[] = [
  'user_agent',
  'scope',
  'parameter',
  'vtr',
  'response_mode',
  'prompt',
]

/** Rules that an app with the preset keeps by itself. */
const ofRequests: readonly EmulatorRule[] = ['scope', 'parameter', 'response_mode', 'prompt']

/** What an app that is made with this library cannot break: tried on emulators by hand, in their tests. */
const unbreakable: readonly EmulatorRule[] = [
  'form',
  'client_id',
  'client',
  'client_auth',
  'client_assertion_type',
  'encryption_key',
  'state',
  'nonce',
  'pushed',
]

const misfits: readonly JwsAlgorithm[] = ['RS256', 'PS256', 'ES256', 'RS512']

function listRules(preset: Preset): readonly EmulatorRule[] {
  return findEmulatedRules(preset).filter(
    // A request without a scope has the usual one
    (rule) =>
      !unbreakable.includes(rule) &&
      !(rule === 'parameter' && preset.authorization?.required?.[0] === 'scope'),
  )
}

const all: readonly Preset[] = Object.values(presets)

test('there is a rule to break at every provider that reads assertions', () => {
  const without = all.filter((preset) => listRules(preset).length === 0)
  expect(without.map(({ name }) => name)).toEqual(['google'])
})

describe.each(all.filter(({ assertion }) => assertion))('$title', (preset) => {
  let setting: PresetSetting
  beforeAll(async () => {
    setting = await startPreset(preset)
  })
  const servers: Server[] = []
  afterAll(async () => {
    await setting.close()
    for (const server of servers) server.close()
  })

  async function start(
    rule: EmulatorRule,
    index: number,
    adapt: (options: Partial<Options>) => Partial<Options> = (options) => options,
  ): Promise<RunningApp> {
    const [alg = 'RS256'] = readAlgorithms(preset)
    const accepted: readonly string[] = preset.assertion?.algs ?? []
    const misfit = misfits.find((name) => !accepted.includes(name)) ?? 'RS512'
    const keys = await Promise.all([keyFor(alg), keyFor(alg, 'stranger'), keyFor(misfit, 'misfit')])
    const [key, stranger] = keys
    const options = breakRule(rule, {
      ...setting,
      preset,
      key,
      stranger,
      misfit: keys[2],
      certificate: certify(key),
    })
    const framework = mainFrameworks[index % mainFrameworks.length]
    if (!options || !framework) return expect.unreachable(`nobody can break "${rule}"`)
    // With a PEM, a provider that takes a "kid" need not look at it
    const isRead = rule === 'kid' && preset.registration.forms[0] === 'jwks_uri'
    const form = rule === 'jwks_uri' || isRead ? 'jwks_uri' : chooseForm(preset)
    // An app that makes its assertions itself publishes no key
    const jwksUri = form === rule ? {} : { jwksUri: await publish(listPublicKeys([key], preset)) }
    return await setting.start(framework, {
      keys: [key],
      form,
      ...jwksUri,
      options: adapt(options),
    })
  }

  test.each(listRules(preset).filter((rule) => ofRequests.includes(rule)))(
    'an app that knows the rule "%s" does not send anybody away with a request that breaks it',
    async (rule) => {
      const { signIn, events } = await start(rule, 0, ({ authorization = {} }) => ({
        // What a function returns is known at a login only
        authorization: typeof authorization === 'function' ? authorization : () => authorization,
      }))
      expect((await signIn()).status).toBe(500)
      expect(findFailure(events).code).toBe('ERR_CONFIGURATION')
    },
  )

  async function publish(keys: readonly object[]): Promise<string> {
    const server = createServer((_req, res) => res.end(JSON.stringify({ keys })))
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  test.each(listRules(preset).map((rule, index) => [rule, index] as const))(
    'an app that breaks the rule "%s" is refused, and told which rule it is',
    async (rule, index) => {
      const { provider } = setting
      const { signIn, events, clientId } = await start(rule, index)
      if (rule === 'jti_once') expect((await signIn()).status).toBe(200)
      const before = provider.refusals.length
      expect((await signIn()).status).not.toBe(200)
      expect(provider.refusals.slice(before).map((refusal) => refusal.rule)[0]).toBe(rule)
      if (ofOthers.includes(rule)) return
      expect(provider.refusals.at(-1)).toMatchObject({ endpoint: 'token', clientId })
      const { refusal, code } = findFailure(events)
      expect(code).toBe('ERR_TOKEN_RESPONSE')
      expect(refusal?.causes[0]?.rule).toBe(nameCause(rule, preset))
    },
  )
})

function findFailure(events: readonly OidcEvent[]): EventError {
  const [error] = events.flatMap((event) => (event.type === 'login.failed' ? [event.error] : []))
  return error ?? expect.unreachable('no login has failed')
}
