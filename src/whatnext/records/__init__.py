"""Pure rules of records: form, order, right and merge. No I/O, no clock, no randomness of its own."""
