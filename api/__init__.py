"""Takes notifications over HTTP and puts them on RabbitMQ, confirmed; the first stage of the flow."""
