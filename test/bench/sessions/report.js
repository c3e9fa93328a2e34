/**
 * What was measured of sessions in a store, as a table for people.
 *
 * @module
 */

import { renderSpread, renderTable } from '../rendering.js'

/** Writes the table in Markdown. */
export function renderSessions({ rows, sizes: { rounds, requests, perUser, logouts } }) {
  return [
    '### Sessions in Redis',
    `${perUser} sessions for each End-User. ${rounds} rounds of ${requests} requests, ${logouts} logouts.`,
    renderTable(
      [
        'Sessions',
        'Redis, bytes for each: ours',
        'express-session',
        'request, CPU over the floor: ours',
        'express-session',
        'peer ÷ ours',
        'request, elapsed: ours',
        'express-session',
        'back-channel logout by `sub`',
      ],
      rows.map(({ count, keep, memory, requests, logout }) => [
        `${count.toLocaleString('en')}${keep ? ' with tokens' : ''}`,
        memory.ours.toFixed(0),
        memory.peer.toFixed(0),
        renderSpread(requests.ours.over),
        renderSpread(requests.peer.over),
        (requests.peer.over.median / requests.ours.over.median).toFixed(2),
        renderSpread(requests.ours.elapsed),
        renderSpread(requests.peer.elapsed),
        renderSpread(logout),
      ]),
    ),
  ].join('\n\n')
}
