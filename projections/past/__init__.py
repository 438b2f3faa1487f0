"""What was at any time: each notification's whole story in one document, and how the counts by status moved.

Read models of their own beside NotificationJob and NotificationLog, folded from the log by the same process: `history`
and `tallies` are the rules, `fold` takes events in, `store` writes, `reads` answers, `why` tells a story as causes and
effects.
"""
