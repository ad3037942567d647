"""One trial: random streams, the compiled epoch, the trial itself.

The only room that imports TensorFlow, and only inside worker processes.
"""
