"""What is now: NotificationJob, NotificationLog and RecipientPreferences, folded from the log by one `projector`.

`jobs`, `story` and `preferences` are the rules, `batch` folds many events at once; `cache` and `store` hold what is
known, `reads` answers, and `caught_up` has pending records removed once they are stored.
"""
