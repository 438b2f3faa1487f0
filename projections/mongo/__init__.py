"""The edge to MongoDB: nobody else knows its driver.

By `connection` everybody gets there; `writing` changes documents, `positions` keeps how far they are folded, `pages`
reads lists.

A crash of either side, or a stopped writer that wakes up late, leaves nothing that going on from the stored position
would not mend:
- documents are acknowledged as durable (`j`) before the position that vouches for them is written, so a server that
  loses its unflushed tail goes back to a position whose documents it has; and positions as durable before the next
  batch, whose documents tell as what the counters of that position know them (`present.jobs`);
- every change of a document or a position holds only if it still is what was read, so of two writers the one with an
  outdated view gets a `Conflict`, and reads again;
- nothing that is written is written again in here, since that could hide that the server went away and came back with
  less.
"""
