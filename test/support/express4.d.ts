/** Express 4 under its alias; for what the tests use, its types are Express 5's. */
declare module 'express4' {
  import express from 'express'

  // biome-ignore lint/style/noDefaultExport: as Express is published
  export default express
}
