"""What looks further than the verdicts: each analysis is results in, a frozen dataclass out."""
