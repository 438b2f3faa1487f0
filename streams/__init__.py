"""The log and everything that writes it: the vocabulary, the pure rules, and the four stages of the pipeline.

RabbitMQ -> bridge -> notification-requests -> admit -> notification-events -> lifecycle -> lanes -> deliver -> the log.
`projections` folds the log into MongoDB; `api` stands before the bridge; `gateway` reads what the projections wrote.
"""
