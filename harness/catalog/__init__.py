"""What a study can name: optimizers, architectures and datasets, and how users add their own.

Nothing here imports TensorFlow, Keras or scikit-learn before it is asked to build or load, so that
a study file is checked, and `bench --help` printed, without waiting for them.
"""
