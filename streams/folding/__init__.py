"""How a stateful stage folds its topic into a table without loss: the core of `admit` and `lifecycle`.

`fold` is the loop, `rule` what a stage gives it, `table` and `changelog` what is remembered, `ownership` which
partitions are ours and where to begin; `faust_app` and `faust_repairs` are the group membership it stands on.
"""
