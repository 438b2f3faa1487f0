"""A server that speaks MongoDB's wire protocol: a real `mongod` if there is one, SecantusDB if not."""
