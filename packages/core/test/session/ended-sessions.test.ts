import { expect, test } from 'vitest'
import { buildSession, start } from '../support/session.ts'
import { createTestSessions } from './support/store.ts'

const iss = 'https://op.example'
const of = (claims: object, more: object = {}) =>
  buildSession({ claims: { ...buildSession().claims, ...claims }, ...more })

test('the end of a session at the provider is that of all sessions here that belong to it', async () => {
  const { ended, clock } = createTestSessions()
  await ended.note({ iss, sid: 'a' })
  expect(await ended.includes(of({ sid: 'a' }))).toBe(true)
  clock.move(5)
  // Where the session at the provider goes on, the next login has the same "sid"
  expect(await ended.includes(of({ sid: 'a' }, { createdAt: start + 5 }))).toBe(false)
  expect(await ended.includes(of({ sid: 'b' }))).toBe(false)
  expect(await ended.includes(of({}))).toBe(false)
  expect(await ended.includes(of({ iss: 'https://other', sid: 'a' }))).toBe(false)
})

test('the end of all that an End-User has leaves out what begins later', async () => {
  const { ended } = createTestSessions()
  await ended.note({ iss, sub: 'ada' })
  expect(await ended.includes(of({ sid: 'a' }))).toBe(true)
  expect(await ended.includes(of({}, { createdAt: start + 1 }))).toBe(false)
  expect(await ended.includes(of({ sub: 'bob' }))).toBe(false)
})

test('the end of one session here leaves its siblings alone', async () => {
  const { ended } = createTestSessions()
  await ended.noteOne(of({ sid: 'a' }, { id: 'one' }))
  expect(await ended.includes(of({ sid: 'a' }, { id: 'one' }))).toBe(true)
  expect(await ended.includes(of({ sid: 'a' }, { id: 'two' }))).toBe(false)
})

test('a note that is garbage ends nobody', async () => {
  const { ended, store } = createTestSessions()
  await ended.note({ iss, sub: 'ada' })
  const [name = ''] = store.entries.keys()
  const cookie = { expires: new Date(2e12).toISOString() }
  for (const oidc of ['text', 7, [], {}, { at: 'now' }]) {
    store.entries.set(name, JSON.stringify({ cookie, oidc }))
    expect(await ended.includes(of({}))).toBe(false)
  }
})

test('notes that cannot be read are a failure, and nobody is let in', async () => {
  const { ended, store } = createTestSessions()
  store.before = () => true
  await expect(ended.includes(of({}))).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
})

test('an end in the second in which a login began does not count for that login, and a later one does', async () => {
  const { ended, clock } = createTestSessions()
  await ended.note({ iss, sub: 'ada' })
  expect(await ended.includes(of({}))).toBe(true)
  expect(await ended.includes(of({}), start)).toBe(false)
  expect(await ended.includes(of({}), start - 1)).toBe(true)
  clock.move(1)
  await ended.note({ iss, sid: 'a' })
  expect(await ended.includes(of({ sid: 'a' }), start)).toBe(true)
})
