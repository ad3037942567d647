"""All prose: sentences made from result objects, so that words cannot contradict numbers."""
