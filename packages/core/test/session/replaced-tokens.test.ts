import { describe, expect, test } from 'vitest'
import { createReplacedTokens } from '../../src/session/replaced-tokens.ts'
import { buildSession } from '../support/session.ts'

const withToken = (accessToken: string, id = 'session-1') =>
  buildSession({ id, tokens: { accessToken } })

describe('tokens that were replaced', () => {
  test('lead to the last ones, over any number of refreshes', () => {
    const replaced = createReplacedTokens()
    replaced.note(withToken('second'), { accessToken: 'first' })
    replaced.note(withToken('third'), { accessToken: 'second' })
    expect(replaced.update(withToken('first'))).toEqual(withToken('third'))
    const last = withToken('third')
    expect(replaced.update(last)).toBe(last)
  })

  test('are those of one session', () => {
    const replaced = createReplacedTokens()
    replaced.note(withToken('second'), { accessToken: 'first' })
    expect(replaced.update(withToken('first', 'session-2'))).toEqual(
      withToken('first', 'session-2'),
    )
  })

  test('that come back, or were replaced by themselves, lead nowhere', () => {
    const replaced = createReplacedTokens()
    replaced.note(withToken('second'), { accessToken: 'first' })
    replaced.note(withToken('first'), { accessToken: 'second' })
    replaced.note(withToken('same'), { accessToken: 'same' })
    expect(replaced.update(withToken('second'))).toEqual(withToken('first'))
    expect(replaced.update(withToken('same'))).toEqual(withToken('same'))
  })

  test('are forgotten, the oldest first, when there are many', () => {
    const replaced = createReplacedTokens()
    for (let index = 0; index <= 1000; index++) {
      replaced.note(withToken('second', `session-${index}`), { accessToken: 'first' })
    }
    expect(replaced.update(withToken('first', 'session-0')).tokens?.accessToken).toBe('first')
    expect(replaced.update(withToken('first', 'session-1')).tokens?.accessToken).toBe('second')
  })
})
