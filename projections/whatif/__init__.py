"""What would have come of the recorded requests under other settings: an estimate, from the log alone.

```
log ──► recorded: requests, calls and what came of them ──► cases, in the order admit had them
                                                              │
     record │ shadow by the settings as they are │ shadow by others   each: admission by actor, then each life
                                                              │
                                                           report
```
The rules are the processors' own (`streams.rules`). The providers' answers are the recorded ones; where there is none
it is assumed, and counted. Nothing here can send: it reaches no provider and no producer.
"""
