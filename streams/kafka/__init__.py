"""The edge to Kafka: `publisher` writes, `consuming` and `topic_reading` read, `offsets` and `gaps` tell what is there.

What a record says is not known here (`codec`), nor which topics there are (`topics`).
"""
