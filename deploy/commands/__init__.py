"""The commands of `./tidings`, one function each; `deploy.cli` lists them."""
