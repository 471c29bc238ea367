"""Layer 3: the database. Tables, the transactor, and the verbs of roster, queue and attempts."""
