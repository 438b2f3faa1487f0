"""The read model DeadLetter: what could not be handled, from every stage, and what was done about it.

`letters` is the rule, `reading` takes records apart for it, `fold` takes them in, `runner` reads the two topics,
`store` writes, `reads` answers, and `obstacles` tells what can't be done with a letter.
"""
