"""Pure data: names, references, leases, ids, the value codec, limits. No I/O, no async."""
