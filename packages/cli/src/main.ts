/**
 * The program as a process: the only file that knows of one.
 *
 * @module
 */

import { runProgram } from './program.ts'

// Whoever reads what is printed may stop before its end, as "head" does
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

/** Whoever started this. npm may be ended without a word to what it runs. */
const parent = process.ppid
const isRunByNpm = ['npm_lifecycle_event', 'npm_command'].some((name) => process.env[name])

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 80,
  now: () => Date.now() / 1000,
  waitForEnd: () =>
    new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
      if (!isRunByNpm) return
      setInterval(() => {
        if (process.ppid !== parent) resolve()
      }, 500).unref()
    }),
})

// What is still open now is nobody's: a server that never hangs up keeps no command from ending
setTimeout(() => process.exit(), 1000).unref()
