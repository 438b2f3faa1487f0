"""Apache Kafka, run from its own jars by `java`."""
