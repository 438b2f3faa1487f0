"""The log as files, and back: exports of all or a part of it, and imports of a whole one into an empty system.

In the order of the work: `layout` says what an export consists of, `files` writes and reads its files (`parquet`,
`jsonl`), `exporting` takes records from Kafka into them. `checking` reads an export back and learns what an import must
know of it; `importing` puts it into an empty system as history that nobody acts on, `putting` each record as it was;
`resuming` tells what an import that was cut short has written.
"""
