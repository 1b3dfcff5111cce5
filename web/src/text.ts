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
    changed: (count: number) => plural(count, 'new change', 'new changes'), fresh: (count: number) => `${count.toLocaleString('en')} new`,
    tags: 'Only playlists with a tag', allTags: 'All', noneWithTag: (tag: string) => `No playlist has the tag “${tag}”.`,
    joining: 'Waiting for a member to let you in', joined: 'A playlist you were invited to'
  },
  create: {
    title: 'New playlist', name: 'Name', placeholder: 'Friday night', colour: 'Colour', submit: 'Create'
  },
  playlist: {
    gone: 'This playlist is not on this device. If it was, its owner has deleted it.', back: 'All playlists',
    add: 'Add tracks', addHint: 'Artist – Title, or a whole list', addButton: 'Add',
    reads: (count: number) => `Enter adds ${plural(count, 'track', 'tracks')}`,
    filter: 'Filter', found: (count: number, all: number) => `${count.toLocaleString('en')} of ${all.toLocaleString('en')}`,
    empty: 'Nothing here yet', teach: 'Type “Artist – Title” above, paste a list, or drop a playlist file anywhere on this page.',
    viewer: 'You can look, vote and comment here. The owner decides who may edit.',
    outside: (who: string) => `${who} says that the owner removed you from this playlist. Your copy stays; what you change in it reaches nobody.`,
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
    deleteWhy: 'It disappears from every member’s device.', deleted: (name: string) => `“${name}” is deleted.`,
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
    outside: 'Removed', letIn: 'Let back in', letInLabel: (name: string) => `Let ${name} back in`,
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
    joined: 'You are in.',
    onItsWay: 'Waiting for a member of this playlist to let you in. It arrives as soon as one is reached, also after a restart.', giveUp: 'Wait no longer',
    refusals: {
      expired: 'The invite has expired: ask for a new one.', revoked: 'The invite was revoked: ask the owner for a new one.',
      removed: 'The owner removed you from this playlist: ask to be let back in.'
    } as Record<string, string>,
    connected: (who: string) => `Connected to ${who}.`
  },
  people: {
    title: 'People', you: 'You', name: 'Your name', colour: 'Your colour', yourLink: 'Your link',
    linkWhy: 'Friends who open it can reach this device: copy it to them, or let them scan the code with any QR reader.',
    linkNowhere: 'It says who you are but not where: this device has no address that others can reach.',
    connect: 'Connect', connectLabel: 'Link or address of a friend',
    around: 'Around now', away: 'Away', blocked: 'Blocked', empty: 'Nobody yet',
    teach: 'People on the same network appear here by themselves. Anybody else connects with a link: send them yours, or paste theirs above.',
    stale: 'WhatNext is not answering. This is how it was.',
    states: {
      'away': 'Away', 'here': 'On this network, not connected', 'connecting': 'Connecting…', 'paused': 'Disconnected by you',
      'connected': 'Connected, saying hello', 'catching up': 'Connected, catching up', 'greeted': 'Connected',
      'in sync': 'In sync', 'blocked': 'Blocked'
    } as Record<string, string>,
    paths: { lan: 'same network', direct: 'direct', relay: 'through a relay' } as Record<string, string>,
    latency: (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`,
    lastSeen: (when: string) => `seen ${when}`, behind: (count: number) => `${plural(count, 'change', 'changes')} to send`,
    missing: (count: number) => `${plural(count, 'change', 'changes')} to get`, listens: (title: string) => `listens to ${title}`,
    retry: 'Try again', disconnect: 'Disconnect', block: 'Block', unblock: 'Unblock', forget: 'Forget', details: 'Details',
    blockWhy: 'Who is blocked reaches this device no more. Members of your playlists still get changes through others.',
    blockedNow: (name: string) => `${name} is blocked.`, forgotten: (name: string) => `${name} is forgotten.`, connecting: 'Connecting…',
    telling: 'Tell members what I play', tellingWhy: 'Off: nobody hears it, and what was told is taken back at once.',
    notifying: 'Notify me of what friends do',
    notifyingWhy: 'When somebody joins or adds tracks and no page is in front. On Linux, where the desktop shows notifications.',
    standings: {
      blocked: 'Blocked on this device', stranger: 'Shares no playlist with you', known: 'You connected to it before',
      member: 'Member of a playlist of yours', relay: 'A relay of yours'
    } as Record<string, string>,
    shares: {
      'in sync': 'in sync', 'catching up': 'catching up', 'joining': 'joining', 'introducing': 'saying hello',
      'refused': 'refused there', 'unknown': 'not there yet'
    } as Record<string, string>,
    unreached: 'Not reached. Is WhatNext running there? If it is, ask for a fresh link: that device may have moved.', tried: 'What was tried',
    apart: 'not connected', addresses: 'Addresses', noAddresses: 'None is known.', worked: (when: string) => `worked ${when}`, failing: (when: string) => `fails since ${when}`,
    untried: 'not tried yet', shared: 'Shared playlists', steps: 'What happened', earlier: 'Before that', noSteps: 'Nothing yet since WhatNext started.',
    life: (number: number, when: string, isOver: boolean) => `Connection ${number}, began ${when}${isOver ? ', over' : ''}`,
    attempt: (number: number, when: string) => `Attempt ${number}, began ${when}`,
    skipped: (count: number) => `${plural(count, 'step', 'steps')} left out`, failedBefore: (count: number) => `${plural(count, 'attempt', 'attempts')} before came to nothing`
  },
  network: {
    title: 'Network', why: 'How this device meets the others. You do not need this page unless you like to look.',
    alone: 'Connected to nobody right now.',
    together: (count: number, ways: Array<[string, number]>) => ways.length === 1
      ? `Connected to ${plural(count, 'device', 'devices')} ${ways[0]?.[0]}.`
      : `Connected to ${plural(count, 'device', 'devices')}: ${ways.map(([where, some]) => `${some} ${where}`).join(', ')}.`,
    ways: { lan: 'on this network', direct: 'directly over the internet', relay: 'through a relay' } as Record<string, string>,
    reached: {
      device: 'Only this computer can reach WhatNext here.', network: 'Devices on the same network can reach this one. From elsewhere it takes a relay.',
      relay: 'Whoever reaches your relay can reach this device through it.', internet: 'Devices anywhere may reach this one, unless a firewall is in the way.'
    },
    exchanged: (sent: number, got: number, size: string, when: string) => `${plural(sent, 'change', 'changes')} sent and ${got.toLocaleString('en')} received (${size}), since it started ${when}.`,
    curve: (size: string) => `The last five minutes, ${size} at most in five seconds`, quiet: 'Nothing was exchanged in the last minutes.',
    peer: 'This device', addresses: 'Where it listens', noAddresses: 'This node listens nowhere.', connections: 'Connections', noConnections: 'No connection right now.',
    reach: { device: 'On this computer alone', network: 'From this network', internet: 'From the internet, if no firewall is in the way', relay: 'Through a relay' },
    transports: {
      'tcp': 'TCP', 'ws': 'WebSocket', 'wss': 'WebSocket with TLS', 'quic-v1': 'QUIC', 'webrtc-direct': 'WebRTC', 'webtransport': 'WebTransport', 'relay': 'Relay', 'unknown': 'Other'
    } as Record<string, string>,
    aRelay: 'a relay of yours', relays: 'Relays', relayHint: 'A relay helps devices behind routers to meet. It sees only encrypted bytes.', addRelay: 'Add a relay',
    relayPlaceholder: '/dns4/relay.example/tcp/4001/p2p/12D3KooW…', noRelays: 'No relay is set up.',
    reserved: (when: string) => `a place is kept until ${when}`, notConnected: 'not connected', in: 'it dialled us', out: 'we dialled it',
    timeline: 'As it happens', noSteps: 'Dials, handshakes and closings appear here while this page is open.', version: 'Version', since: 'running since'
  },
  counters: {
    title: 'Counters', why: 'For those who want to see libp2p at work. All count from the start of WhatNext and stay on this computer.',
    transport: 'Transport', open: 'Open', dialled: 'Dialled', failed: 'Failed', givenUp: 'Given up', half: 'Half within',
    dials: 'Dials', dialsWhy: 'A dial is an attempt at one address. Several run at once: the fastest wins, the others are given up.', noDials: 'Nobody was dialled yet.',
    failures: 'Why dials failed', handshakes: 'Handshakes',
    handshakesWhy: 'Noise proves by keys who is at the other end, and encrypts all that follows. Then both agree on a muxer, which lets many streams share the connection.',
    step: 'Step', count: 'Done', steps: { noise: 'Noise', mux: 'Muxer' } as Record<string, string>,
    peers: 'Peers', came: { in: 'came to us', out: 'reached by us' } as Record<string, string>, left: 'left', moved: 'changed to a better way', streams: 'streams open', relayed: 'connections through a relay',
    finding: 'Finding addresses', way: 'Asked', found: 'Knew', nothing: 'Knew nothing', findingWhy: 'Before a dial all of these are asked where a peer is. The address book is what this device remembers.',
    neighbours: 'Neighbours, by mDNS', programs: { whatnext: 'WhatNext came', foreign: 'other libp2p programs came' } as Record<string, string>, gone: 'left',
    exchange: 'Changes', exchangeWhy: 'A change travels as a signed record. One that was here already was passed on by two friends.',
    got: 'received', sent: 'sent', bytesIn: 'received', bytesOut: 'sent', duplicates: 'were here already', refusedHere: (code: string) => `refused here: ${code}`, refusedThere: (code: string) => `refused there: ${code}`,
    refusals: 'Turned away', refusalsWhy: 'Connections and streams that this device refused or gave up, by reason.', endings: 'Sync links that ended',
    codes: {
      refused: 'nothing listened', no_route: 'no route', timeout: 'no answer in time', hung_up: 'hung up', not_permitted: 'forbidden by this device', wrong_peer: 'somebody else answered',
      full: 'full', refused_here: 'refused by this device', turned_away: 'turned away there', no_transport: 'transport is off', not_libp2p: 'not libp2p', other: 'other',
      ip_limit: 'too many from one address', peer_limit: 'too many of one peer', handshake_limit: 'too many handshakes', stream_limit: 'too many streams', rate: 'too fast', pruned: 'made room for others',
      connection_lost: 'connection lost', shutdown: 'shut down', replaced: 'replaced by a newer one', disconnected: 'closed by hand'
    } as Record<string, string>
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
