const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const fields = [
  { name: 'minute', min: 0, max: 59, names: [] as string[], namesFrom: 0 },
  { name: 'hour', min: 0, max: 23, names: [], namesFrom: 0 },
  { name: 'day of the month', min: 1, max: 31, names: [], namesFrom: 0 },
  { name: 'month', min: 1, max: 12, names: months, namesFrom: 1 },
  { name: 'day of the week', min: 0, max: 7, names: days, namesFrom: 0 },
]

/** What is wrong with a cron line of five fields (minute hour day month weekday), or undefined if nothing is. */
export function cronProblem(text: string): string | undefined {
  const parts = text.trim().split(/[ \t]+/)
  if (parts.length !== fields.length || /[^\x20-\x7e\t]/.test(text))
    return 'expected five cron fields (minute hour day month weekday) such as "0 6 * * 1-5"'
  const taken = fields.map(() => new Set<number>())
  for (const [index, field] of fields.entries()) {
    for (const item of parts[index]!.split(',')) {
      const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/i.exec(item)
      const value = (word: string | undefined) => {
        if (word === undefined) return undefined
        const named = field.names.indexOf(word.toLowerCase())
        return named >= 0 ? named + field.namesFrom : /^\d{1,2}$/.test(word) ? Number(word) : Number.NaN
      }
      const from = match?.[1] === '*' ? field.min : value(match?.[1])
      const to = match?.[2] === undefined ? from : value(match[2])
      const step = match?.[3] === undefined ? 1 : Number(match[3])
      const holds =
        match !== null && !(match[1] === '*' && match[2]) && from! >= field.min && to! <= field.max && from! <= to!
      if (!holds || step < 1 || step > field.max)
        return `the cron field for the ${field.name} takes ${field.min} to ${field.max}, *, a list, a range or a step such as */5`
      // `5/10` goes on to the end of the field, as `*/10` does.
      const last = match[2] === undefined && (match[1] === '*' || match[3] !== undefined) ? field.max : to!
      for (let one = from!; one <= last; one += step) taken[index]!.add(one)
    }
  }
  const firstDay = Math.min(...taken[2]!)
  if (![...taken[3]!].some((month) => firstDay <= monthDays[month - 1]!))
    return `no month of these has a day ${firstDay}, so it would never run; mend the day or the month`
  return undefined
}
