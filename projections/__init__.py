"""Folds the log into read models (MongoDB); they can always be computed again. Stands between the log and `gateway`."""
