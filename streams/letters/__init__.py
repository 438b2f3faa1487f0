"""Dead letters: what one is (`dead_letters`), what would put it back (`redrive`), and the doing of it (`redriving`)."""
