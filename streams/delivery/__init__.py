"""What `deliver` is made of, in the order of the work: `lane_reader`, `dispatched`, `taker`, `calls`."""
