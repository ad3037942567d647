"""Statistics on NumPy arrays: samples in, plain results out.

Nothing here knows pandas, a study or a training run. Import from the module that holds the
question: ``paired`` and ``unpaired`` decide, ``classical`` stands beside them as a check.
"""
