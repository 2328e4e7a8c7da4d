"""A store that machines without a common folder share: an object store, beside each one's own home.

All that lies there is whole and never changes: a row or an artifact of its key. So nothing has to
be locked. Who is first puts it there, and others take it.
"""
