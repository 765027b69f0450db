// A bar for each tool and phase, as a ratio to psql. Plain SVG: readable in a browser and on a code host.
const colours = { sluice: '#0f766e', 'psql:filter': '#94a3b8', ingestr: '#f59e0b' }
const names = { full: 'first load', incr: 'incremental', same: 'all touched, nothing changed' }

export function plot(medians, rows) {
  const phases = Object.keys(names).filter((phase) => medians.some((median) => median.phase === phase))
  const tools = [...new Set(medians.map(({ tool }) => tool))]
  const [left, width, bar, gap] = [210, 420, 18, 26]
  const base = (phase) => medians.find((median) => median.tool === 'psql:filter' && median.phase === phase)?.seconds
  const bars = []
  let y = 46
  for (const phase of phases) {
    bars.push(text(left - 10, y + (bar * tools.length) / 2 + 4, names[phase], 'end'))
    for (const tool of tools) {
      const median = medians.find((median) => median.tool === tool && median.phase === phase)
      if (!median) continue
      const ratio = median.seconds / base(phase)
      const length = Math.min(ratio, 1.2) * (width / 1.2)
      bars.push(
        `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${bar - 3}" fill="${colours[tool] ?? '#64748b'}"/>`,
      )
      bars.push(text(left + length + 6, y + 11, `${tool} ${ratio.toFixed(2)}`))
      y += bar
    }
    y += gap
  }
  const title = text(
    left,
    24,
    `${Number(rows).toLocaleString('en')} rows: time as a ratio to hand-written psql (shorter is better)`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 130}" height="${y}" font-family="system-ui, sans-serif" font-size="12" fill="#334155"><rect width="100%" height="100%" fill="white"/>${title}${bars.join('')}</svg>\n`
}

function text(x, y, words, anchor = 'start') {
  return `<text x="${Number(x).toFixed(1)}" y="${y}" text-anchor="${anchor}">${words}</text>`
}
