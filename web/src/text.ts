// Every English sentence of the pages. Another language is another file like this one.

const plural = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

export const text = {
  name: 'WhatNext',
  problems: {
    offline: 'WhatNext is not answering on this computer. What you change stays here and goes out when it is back.',
    unreadable: 'WhatNext answered with something this page cannot read: reload the page.',
    refused: (reason: string) => `That change was not taken: ${reason}`
  },
  signIn: {
    title: 'Open WhatNext again',
    why: 'This page belongs to the WhatNext running on your computer, and only a fresh link from there lets a browser in.',
    how: 'Start WhatNext from your applications, or run this in a terminal:',
    command: 'whatnext open',
    retry: 'Try again'
  },
  loading: 'Reading your playlists…',
  link: {
    online: 'Everything is saved',
    saving: (count: number) => `Saving ${plural(count, 'change', 'changes')}…`,
    offline: 'Reconnecting…',
    stranger: 'Open WhatNext again to go on',
    waiting: (count: number) => `${plural(count, 'change', 'changes')} waiting`
  },
  nav: {
    label: 'Main',
    playlists: 'Playlists', people: 'People', network: 'Network', search: 'Search or do anything', find: 'Search',
    skip: 'Skip to the content', add: 'New playlist', join: 'Join with a link'
  },
  common: {
    cancel: 'Cancel', close: 'Close', save: 'Save', copy: 'Copy', copied: 'Copied', undo: 'Undo', remove: 'Remove',
    you: 'you', someone: (peer: string) => `…${peer.slice(-6)}`, more: 'More', unnamed: 'Untitled', none: 'None'
  },
  count: {
    tracks: (count: number) => plural(count, 'track', 'tracks'),
    members: (count: number) => plural(count, 'person', 'people'),
    selected: (count: number) => `${count.toLocaleString('en')} selected`,
    comments: (count: number) => plural(count, 'comment', 'comments')
  },
  home: {
    title: 'Playlists',
    empty: 'Your first playlist',
    teach: 'A playlist lives on your own device. Invite friends and it lives on theirs too: everybody adds, moves and ' +
      'votes, also offline, and all copies agree again. No account, no server.',
    create: 'New playlist', join: 'Join with a link', drop: 'Or drop a playlist file here: M3U, XSPF, JSPF, CSV, iTunes XML or Markdown.',
    import: 'Import a file',
    changed: (count: number) => plural(count, 'new change', 'new changes'),
    tags: 'Only playlists with a tag', allTags: 'All', noneWithTag: (tag: string) => `No playlist has the tag “${tag}”.`,
    joining: 'Waiting for a member to let you in'
  },
  create: {
    title: 'New playlist', name: 'Name', placeholder: 'Friday night', colour: 'Colour', submit: 'Create'
  },
  playlist: {
    gone: 'This playlist is not on this device.', back: 'All playlists',
    add: 'Add tracks', addHint: 'Artist – Title, or a whole list', addButton: 'Add',
    reads: (count: number) => `Enter adds ${plural(count, 'track', 'tracks')}`,
    filter: 'Filter', found: (count: number, all: number) => `${count.toLocaleString('en')} of ${all.toLocaleString('en')}`,
    empty: 'Nothing here yet', teach: 'Type “Artist – Title” above, paste a list, or drop a playlist file anywhere on this page.',
    viewer: 'You can look, vote and comment here. The owner decides who may edit.',
    noMatch: (words: string) => `No track has “${words}”.`,
    list: 'Tracks', invite: 'Invite', history: 'History', members: 'People', details: 'Track',
    import: 'Import a file…', export: 'Export as…', rename: 'Rename…', delete: 'Delete for everybody…', leave: 'Leave this playlist…',
    dropHere: (name: string) => `Drop to add to “${name}”`, dropNew: 'Drop to import as a new playlist',
    imported: (count: number, name: string) => `${plural(count, 'track', 'tracks')} imported into “${name}”`,
    exported: (name: string) => `Saved as ${name}`,
    exportFormat: (format: string) => `Export as ${format}`, removeChosen: (count: number) => `Remove ${plural(count, 'track', 'tracks')}`,
    removed: (count: number) => `${plural(count, 'track', 'tracks')} removed`,
    added: (count: number) => `${plural(count, 'track', 'tracks')} added`,
    moved: (title: string, number: number) => `${title} is now number ${number}`,
    toTop: 'To the top', toEnd: 'To the end', clear: 'Clear selection', handle: (title: string) => `Drag to move ${title}`,
    voteUp: (title: string) => `Vote for ${title}`, voteDown: (title: string) => `Vote against ${title}`,
    score: (score: number) => `${score > 0 ? '+' : ''}${score} votes`,
    open: (title: string) => `Details of ${title}`, addedBy: (name: string) => `Added by ${name}`,
    dropped: 'Move', keys: 'Arrows walk, Alt with arrows moves, Space selects, Enter opens, Delete removes, + and − vote.',
    deleteAsk: (name: string) => `Delete “${name}” for everybody?`,
    deleteWhy: 'It disappears from every member’s device. This cannot be undone.',
    deleteDo: 'Delete for everybody', leaveAsk: (name: string) => `Leave “${name}”?`,
    leaveWhy: 'It disappears from this device. To come back you need another invite.', leaveDo: 'Leave'
  },
  settings: {
    open: 'Name, description, tags and colour',     description: 'Description', tags: 'Tags', tagsHint: 'Enter or a comma ends one', removeTag: (tag: string) => `Remove the tag ${tag}`,
    withTag: (tag: string) => `Playlists with the tag ${tag}`
  },
  talk: {
    title: 'Talk', say: 'Say something to everybody', none: 'Nobody has said anything yet. What you say here reaches everybody in the playlist.',
    sayOnTrack: 'Say something about it', noneOnTrack: 'No comments yet.', remove: 'Remove comment', send: 'Send', isNew: 'new',
    unread: 'something new', on: (title: string) => `on ${title}`
  },
  fresh: {
    row: 'Changed since you last looked',
    since: (names: string, count: number) => `${names}: ${plural(count, 'change', 'changes')} since you last looked`,
    others: (name: string, count: number) => `${name} and ${plural(count, 'other', 'others')}`
  },
  colours: ['Red', 'Orange', 'Yellow', 'Green', 'Emerald', 'Teal', 'Blue', 'Indigo', 'Violet', 'Pink'],
  modes: {
    label: 'What plays next', free: 'In list order', turns: 'People take turns', votes: 'Most votes first',
    next: 'What next?', order: { free: 'The list as it stands.', turns: 'One track of each person, round and round.', votes: 'The track most people want.' }
  },
  track: {
    none: 'Select a track to see it here.', title: 'Title', artists: 'Artists', artistsHint: 'Several: separate by commas',
    album: 'Album', duration: 'Length', note: 'Note', links: 'Links', linksHint: 'One a line', comments: 'Comments', badDuration: 'A length looks like 3:45.'
  },
  invite: {
    title: 'Invite', why: 'Whoever opens the link joins this playlist. Send it to friends only.',
    role: 'They may', editor: 'add and change tracks', viewer: 'look, vote and comment', expires: 'The link works for',
    expiry: { hour: 'an hour', day: 'a day', week: 'a week', never: 'ever' }, make: 'Make a link', another: 'Make another',
    ownerOnly: 'Only the owner invites others. Ask them for a link.', qr: 'The invite as a QR code',
    live: 'Open invites', revoke: 'Revoke', until: (when: string) => `until ${when}`, always: 'never expires',
    used: (count: number) => count === 0 ? 'not used yet' : `used by ${plural(count, 'person', 'people')}`,
    revoked: 'The invite lets nobody in any more.'
  },
  members: {
    title: 'People', owner: 'Owner', editor: 'Edits', viewer: 'Looks', role: (name: string) => `What ${name} may do`,
    remove: (name: string) => `Remove ${name}`, removed: (name: string) => `${name} was removed.`,
    alone: 'Only you so far. Invite somebody: a shared list is more fun.', left: 'left'
  },
  history: {
    title: 'History', look: (what: string) => `See the list after: ${what}`, then: (when: string) => `The list as it was ${when}`, now: 'Back to now', empty: 'Nothing happened yet.', undone: 'undone', undo: (what: string) => `Undo: ${what}`, more: 'Show more',
    taken: 'Taken back.', last: 'Take back your last change'
  },
  join: {
    title: 'Open a link', paste: 'Paste a WhatNext link', check: 'Continue',
    playlist: 'You are invited to a playlist', invited: (title: string) => `You are invited to “${title}”`,
    here: 'This playlist is on this device already.', open: 'Open it',
    what: 'Joining copies the playlist to this device and shows your name to its members. This device connects directly to theirs.',
    connect: (who: string) => `Connect to ${who}?`, claims: (name: string) => `“${name}” (says the link)`,
    connectWhat: 'Your devices find each other from now on. Nothing else is shared until one of you invites the other.',
    name: 'Your name, as members see it', join: 'Join', doConnect: 'Connect', notNow: 'Not now',
    joined: 'You are in. The tracks arrive as soon as a member is reachable.', connected: (who: string) => `Connected to ${who}.`
  },
  people: {
    title: 'People', you: 'You', name: 'Your name', colour: 'Your colour', yourLink: 'Your link',
    linkWhy: 'Friends who open it can reach this device.', connect: 'Connect', connectLabel: 'Link or address of a friend',
    around: 'Around now', away: 'Away', blocked: 'Blocked', empty: 'Nobody yet',
    teach: 'People on the same network appear here by themselves. Anybody else connects with a link: send them yours, or paste theirs above.',
    states: {
      'away': 'Away', 'here': 'On this network', 'connected': 'Connected, saying hello', 'greeted': 'Connected',
      'in sync': 'In sync', 'blocked': 'Blocked'
    } as Record<string, string>,
    paths: { lan: 'same network', direct: 'direct', relay: 'through a relay' } as Record<string, string>,
    latency: (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`,
    lastSeen: (when: string) => `seen ${when}`, behind: (count: number) => `${plural(count, 'change', 'changes')} to send`,
    missing: (count: number) => `${plural(count, 'change', 'changes')} to get`,
    retry: 'Try again', disconnect: 'Disconnect', block: 'Block', unblock: 'Unblock', forget: 'Forget', details: 'Details',
    blockedNow: (name: string) => `${name} is blocked.`, forgotten: (name: string) => `${name} is forgotten.`, connecting: 'Connecting…'
  },
  network: {
    title: 'Network', why: 'How this device meets the others. You do not need this page unless you like to look.',
    peer: 'PeerID', addresses: 'Addresses', noAddresses: 'This node listens nowhere.', connections: 'Connections', noConnections: 'No connection right now.',
    relays: 'Relays', relayHint: 'A relay helps devices behind routers to meet. It sees only encrypted bytes.', addRelay: 'Add a relay',
    relayPlaceholder: '/dns4/relay.example/tcp/4001/p2p/12D3KooW…', noRelays: 'No relay is set up.',
    reserved: (when: string) => `a place is kept until ${when}`, notConnected: 'not connected', in: 'in', out: 'out',
    timeline: 'As it happens', noSteps: 'Dials, handshakes and closings appear here while this page is open.', version: 'Version', since: 'Running since'
  },
  doctor: {
    title: 'Doctor', look: 'Look now', looking: 'Looking…', why: 'Why is a friend not found? This looks at the network, the ports and the relays.',
    verdicts: { 'ok': 'Good', 'warning': 'Look here', 'problem': 'Problem', 'not checked': 'Not checked' }
  },
  player: {
    title: 'Now playing', play: (title: string) => `Play ${title}`, pause: 'Pause', next: 'Next track', stop: 'Stop', seek: 'Position in the track',
    folder: 'Music folder', folderHint: '/home/you/Music', why: 'Tracks that are among your own files can be played here. The files stay where they are.',
    files: (count: number) => `${plural(count, 'file', 'files')} found`, looking: 'Looking through the folder…',
    failed: (title: string) => `The file of ${title} cannot be played here.`, listens: (name: string) => `${name} is listening`, search: 'Search the web for it'
  },
  palette: {
    title: 'Search or do anything', placeholder: 'A command, a playlist, a track…', nothing: 'Nothing found.',
    go: 'Go', tracks: 'Tracks', commands: 'Commands', theme: 'Light, dark or as the system', shortcuts: 'Keyboard shortcuts'
  },
  keys: {
    title: 'Keyboard shortcuts',
    list: [
      ['Ctrl K or ⌘ K', 'Search or do anything'], ['N', 'New playlist'], ['A', 'Add tracks'], ['F', 'Filter the list'],
      ['↑ ↓', 'Walk through the list'], ['Alt ↑ ↓', 'Move tracks'], ['Space', 'Select'], ['Shift ↑ ↓', 'Select more'], ['Enter', 'Open a track'], ['M', 'Play or pause'],
      ['Delete', 'Remove tracks'], ['+ −', 'Vote'], ['Ctrl Z or ⌘ Z', 'Take back your last change'], ['H', 'History'], ['I', 'Invite'], ['C', 'Talk'], ['G P', 'People'], ['G N', 'Network'], ['?', 'This list']
    ] as Array<[string, string]>
  },
  first: {
    title: 'What should friends call you?', why: 'The people in your playlists see this name and colour. You can change both at any time.', go: 'Start'
  }
}
