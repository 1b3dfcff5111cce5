// What others call themselves and their playlists, fit to stand in a sentence of ours.

/** A name without the marks that turn round the words after it: an override in it must not change what the page says. */
export const upright = (name: string): string => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
