/** Companies that might exist. The same number always makes the same company. */
export interface Company {
  id: string
  name: string
  /** Some fields are not in the demo's schema, some values do not fit their type: real sources are like that. */
  payload: Record<string, unknown>
  /** A number of exactly two decimals, as text: JSON.stringify would lose the last zero. */
  revenue: string
}

const firstWords = [
  'Northern',
  'Blue Harbor',
  'Alder',
  'Copper',
  'Summit',
  'Lakeside',
  'Granite',
  'Amber',
  'Vega',
  'Orchard',
  'Falcon',
  'Meridian',
  'Juniper',
  'Silver Fern',
  'Atlas',
  'Willow',
  'Kestrel',
  'Pioneer',
  'Cobalt',
  'Sterling',
  'Marigold',
  'Redwood',
  'Aurora',
  'Beacon',
  'Cedar',
  'Tidewater',
  'Orion',
  'Maple',
  'Sable',
  'Horizon',
  'Delta',
  'Fjord',
]
const secondWords = [
  'Logistics',
  'Foods',
  'Analytics',
  'Textiles',
  'Robotics',
  'Energy',
  'Health',
  'Publishing',
  'Instruments',
  'Marine',
  'Ceramics',
  'Software',
  'Tools',
  'Optics',
  'Packaging',
  'Coffee',
  'Outdoors',
  'Interiors',
  'Biotech',
  'Mobility',
  'Insurance',
  'Recruiting',
]
const sectors = ['retail', 'manufacturing', 'software', 'healthcare', 'energy', 'finance', 'transport', 'media']
const tags = ['key-account', 'newsletter', 'partner', 'trial', 'renewal-q3', 'beta', 'events', 'at-risk']
const owners = ['A. Okafor', 'M. Lindqvist', 'J. Moreau', 'S. Tanaka', 'R. Almeida']
const streets = ['Mill Lane', 'Harbour Street', 'Station Road', 'Park Avenue', 'Market Square', 'River Walk']
const places = [
  { country: 'DE', city: 'Hamburg', postal: '20095', form: 'GmbH', domain: 'de' },
  { country: 'FR', city: 'Lyon', postal: '69002', form: 'SARL', domain: 'fr' },
  { country: 'GB', city: 'Leeds', postal: 'LS1 4AP', form: 'Ltd', domain: 'co.uk' },
  { country: 'US', city: 'Portland', postal: '97205', form: 'Inc.', domain: 'com' },
  { country: 'SE', city: 'Malmö', postal: '211 20', form: 'AB', domain: 'se' },
  { country: 'JP', city: 'Ōsaka', postal: '530-0001', form: 'K.K.', domain: 'jp' },
  { country: 'BR', city: 'São Paulo', postal: '01310-100', form: 'Ltda.', domain: 'com.br' },
  { country: 'NL', city: 'Utrecht', postal: '3511', form: 'B.V.', domain: 'nl' },
]

export function company(number: number): Company {
  const random = randomNumbers(number)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const whole = (min: number, max: number) => min + Math.floor(random() * (max - min + 1))
  const [first, second, place] = [pick(firstWords), pick(secondWords), pick(places)]
  const employees = Math.ceil(3 * 1.9 ** whole(0, 12))
  const founded = whole(1921, 2024)
  return {
    id: `ACC-${String(number).padStart(6, '0')}`,
    name: `${first} ${second} ${place.form}`,
    payload: {
      country: place.country,
      sector: pick(sectors),
      website: `https://www.${first.toLowerCase().replaceAll(' ', '')}-${second.toLowerCase()}.${place.domain}`,
      employees: number % 97 === 0 ? `about ${employees}` : number % 13 === 0 ? String(employees) : employees,
      founded: number % 251 === 0 ? `${founded} (${founded - whole(20, 90)})` : founded,
      vip: number % 40 === 0 ? 'yes' : random() < 0.08,
      last_visit: new Date(Date.UTC(2025, whole(0, 11), whole(1, 28), whole(6, 20), whole(0, 59))).toISOString(),
      tags: tags.filter(() => random() < 0.25),
      address: { street: `${pick(streets)} ${whole(1, 180)}`, city: place.city, postal_code: place.postal },
      retention: {
        previous_purchases: whole(0, 60),
        last_purchase: `2025-${String(whole(1, 12)).padStart(2, '0')}-${String(whole(1, 28)).padStart(2, '0')}`,
        ...(number % 5 === 0 && { nps: whole(0, 10) }),
      },
      ...(number % 3 === 0 && { crm_owner: pick(owners) }),
      ...(number % 7 === 0 && { legacy_score: whole(0, 1000) / 10 }),
    },
    revenue: `${employees * whole(60, 240)}${whole(0, 999).toString().padStart(3, '0')}.${whole(0, 9)}0`,
  }
}

export function payloadText({ payload, revenue }: Company): string {
  return `${JSON.stringify(payload).slice(0, -1)},"revenue":${revenue}}`
}

/** mulberry32: small, fast, and the same everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = seed * 0x9e3779b1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
