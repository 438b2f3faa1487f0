"""What comes in through RabbitMQ, before it is an event: the AMQP client, the schema check, the request it becomes."""
