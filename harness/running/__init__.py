"""Many trials: worker processes, the run, progress, resume, interruption."""
