"""What the harness is measured by: the error rates of its statistics, and its speed."""
