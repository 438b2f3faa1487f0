"""Makes a read model again from the log, beside the one that is read, and has readers go over to it.

`rebuild` leads: `keeping` has the shadow folded from the log's start, by `folding`, and kept up from then on;
`difference` holds it against the live copy; `gate` says whether readers may go over; `switch` has them go. It works
with the connections of a `desk`; a `watcher` is told how far it is, and `record` keeps that. What copies there may be,
and the order in which they are written, is `projections.copies.copies`'.
"""
