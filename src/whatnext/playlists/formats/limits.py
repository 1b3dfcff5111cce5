"""How large an imported file, and anything in it, may be (design §4: what a record can hold)."""

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_TRACKS = 50_000
MAX_NAME_CHARS = 500
MAX_VALUE_BYTES = 64 * 1024
# A track is written by one record of at most 256 KiB: the rest is room for ids, stamps and the signature.
MAX_TRACK_BYTES = 192 * 1024
# A file with a fault in every row would otherwise answer with more text than it holds.
MAX_WARNINGS = 1_000
