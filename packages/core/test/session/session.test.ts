import { expect, test } from 'vitest'
import { buildKeptClaims, buildUser } from '../../src/session/session.ts'
import { buildSession } from '../support/session.ts'

const { claims } = buildSession()

test('a user is the claims about the person, without those of the protocol', () => {
  const protocol = { azp: 'app', nonce: 'n', at_hash: 'h', acr: 'strong', amr: ['otp'], sid: 's' }
  const session = buildSession({ claims: { ...claims, ...protocol, name: 'Ada', groups: ['a'] } })
  expect(buildUser(session)).toEqual({ sub: 'ada', name: 'Ada', groups: ['a'] })
})

test("UserInfo's and the app's own claims come on top", () => {
  const session = buildSession({ claims: { ...claims, name: 'Ada' }, extra: { name: 'Countess' } })
  expect(buildUser(session)).toEqual({ sub: 'ada', name: 'Countess' })
})

test('a session keeps all claims but those that are spent', () => {
  const spent = { nonce: 'n', at_hash: 'h', c_hash: 'h', s_hash: 'h' }
  expect(buildKeptClaims({ ...claims, ...spent, acr: 'strong' })).toEqual({
    ...claims,
    acr: 'strong',
  })
})
