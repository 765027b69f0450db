// Stands in for the worker: ready at once, drains at once.
console.log(
  JSON.stringify({
    msg: 'worker ready',
    store: new URL(process.env.SLUICE_STORE_URL).hostname,
    extra: process.env.EXTRA,
  }),
)
const keepAlive = setInterval(() => {}, 60_000)
process.once('SIGTERM', () => clearInterval(keepAlive))
