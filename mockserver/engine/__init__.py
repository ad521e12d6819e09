"""What a mocked API answers: pure functions over values, without I/O, clock, randomness or async."""
