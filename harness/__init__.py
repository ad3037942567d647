"""Statistical benchmarking of training runs: what is real, what is noise, what nobody can tell."""
