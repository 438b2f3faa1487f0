"""The edge to Kafka: `publisher` writes, `consuming` and `topic_reading` read, `offsets` and `gaps` tell what is there.

A broker that is away is waited for by `waiting`. Nothing here knows who reads and writes by it.
"""
