"""Makes a read model again from the log, beside the one that is read, and has readers go over to it.

`rebuild` leads; `folding` folds the log into the shadow, from its start and then on; `difference` holds it against the
live copy; `gate` says whether readers may go over; `switch` has them go. What copies there may be, and the order in
which they are written, is `projections.copies.copies`'.
"""
