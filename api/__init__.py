"""Takes notifications over HTTP and puts them on RabbitMQ, confirmed; the first stage of the flow.

A request comes in by one of the `ways`, `create` takes it: not if too much waits (`backlog`, by `pressure`) or is under
way (`room`); once only for a key (`idempotency`); out by the `outbox`; and remembered in Redis (`pending`), by a
`redis_pipe` that never holds it up.
"""
