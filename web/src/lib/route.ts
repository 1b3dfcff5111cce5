// The address behind `#`: which page, and a link that the desktop hands over (`#open=<link>`).

export type Route =
  | { page: 'home', tag?: string }
  | { page: 'playlist', id: string }
  | { page: 'people' }
  | { page: 'network' }
  | { page: 'open', link: string }

/** What an address asks for; whatever it does not know is the list of playlists. */
export function routeOf (hash: string): Route {
  const said = hash.replace(/^#\/?/, '')
  if (said.startsWith('open=')) return { page: 'open', link: decoded(said.slice('open='.length)) }
  const [page, id] = said.split('/')
  if (page === 'playlist' && id !== undefined && /^[a-z2-7]{1,64}$/.test(id)) return { page: 'playlist', id }
  if (page === 'tag' && id !== undefined) return { page: 'home', tag: decoded(id) }
  if (page === 'people' || page === 'network') return { page }
  return { page: 'home' }
}

export const to = { home: '#/', people: '#/people', network: '#/network', playlist: (id: string) => `#/playlist/${id}`, tag: (tag: string) => `#/tag/${encodeURIComponent(tag)}` }

function decoded (said: string): string {
  try {
    return decodeURIComponent(said)
  } catch {
    return said
  }
}
