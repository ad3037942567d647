"""Tests of what a study can name."""
