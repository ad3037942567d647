"""A whole epoch as one compiled graph: shuffle in, mean loss and accuracy out.

The steps are those of Keras' ``fit``: a forward pass in training mode, sparse categorical
cross-entropy averaged over the batch, gradients, the optimizer's update; the last batch may be
smaller. The epoch's loss and accuracy are means over images, as ``fit`` reports them. Images stay
in memory as uint8 and are scaled in the graph.

From the same start, the same order of images and without dropout, weights agree with those of
``fit`` to rounding. What makes their last bits differ is the fused optimizer update
(`harness.training.fused_updates`). Dropout drops other values than Keras' layer does from the same
seed (`harness.catalog.dropout`), and the order of images is drawn by NumPy, not by ``fit``.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.training.fused_updates import fuse
from harness.training.max_pooling import pool_faster
from harness.training.relu_gradient import rectify_faster
from harness.training.tensors import DataTensors

VALIDATION_BATCH = 100
"""Larger batches are no faster, and need more memory than a training step does."""


class CompiledEpoch:
    """A model and an optimizer with their compiled training epoch and validation pass.

    Compiling takes longer than training a small model, so one instance serves all replicates of an
    arm: `restart` gives it the variables of a fresh model, and nothing else carries over.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        data: DataTensors,
        *,
        batch_size: int,
    ) -> None:
        """Prepare the graphs.

        Args:
            model: A built model that ends in class probabilities.
            optimizer: Its optimizer; built here.
            data: Images and labels to train on and to score on.
            batch_size: Images a step.
        """
        self.model, self.optimizer = model, optimizer
        optimizer.build(model.trainable_variables)
        fuse(optimizer)
        pool_faster(model)
        rectify_faster(model)
        self._data, self._batch_size = data, batch_size
        self._fresh_optimizer = [_compact(v) for v in optimizer.variables]
        self._train = tf.function(self._train_epoch, autograph=False)
        self._evaluate = tf.function(self._evaluate_all, autograph=False)

    def restart(self, fresh: keras.Model) -> None:
        """Begin a new trial: the variables of a fresh model, an optimizer without memory."""
        for variable, value in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(value)
        for variable, value in zip(self.optimizer.variables, self._fresh_optimizer, strict=True):
            variable.assign(value)

    def trace(self, train_rows: int, validation_rows: int) -> None:
        """Prepare the graphs for so many images, unless that was done for a trial before.

        Else the first epoch of whichever trial comes first in a process would take that time.
        """
        self._train.get_concrete_function(tf.TensorSpec([train_rows], tf.int64))
        self._evaluate.get_concrete_function(tf.TensorSpec([validation_rows], tf.int64))

    def train(self, order: NDArray[np.int64]) -> tuple[float, float]:
        """Train one epoch over the images in the given order; returns mean loss and accuracy."""
        loss, hits = self._train(tf.constant(order))
        return float(loss) / len(order), float(hits) / len(order)

    def evaluate(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Mean loss and accuracy on the given images, with dropout off."""
        loss, hits = self._evaluate(tf.constant(rows))
        return float(loss) / len(rows), float(hits) / len(rows)

    def _sums(
        self, images: tf.Tensor, labels: tf.Tensor, *, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Mean loss, summed loss and number of hits of one batch.

        What the model's regularizers add counts for every image, as in ``fit``.
        """
        scaled = tf.cast(images, tf.float32) / self._data.scale
        probabilities = self.model(scaled, training=training)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        if self.model.losses:
            losses += tf.add_n([tf.cast(one, losses.dtype) for one in self.model.losses])
        hits = tf.equal(tf.argmax(probabilities, axis=1), labels)
        mean = tf.reduce_mean(losses)
        return mean, tf.reduce_sum(losses), tf.reduce_sum(tf.cast(hits, tf.float32))

    def _step(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self.model.trainable_variables
        images, labels = tf.gather(self._data.images, rows), tf.gather(self._data.labels, rows)
        with tf.GradientTape() as tape:
            mean, loss, hits = self._sums(images, labels, training=True)
            target = self.optimizer.scale_loss(mean)
        self.optimizer.apply(tape.gradient(target, variables), variables)
        return loss, hits

    def _train_epoch(self, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._over_batches(order, self._batch_size, self._step)

    def _evaluate_all(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def sums(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            images = tf.gather(self._data.scored_images, batch)
            labels = tf.gather(self._data.scored_labels, batch)
            return self._sums(images, labels, training=False)[1:]

        return self._over_batches(rows, VALIDATION_BATCH, sums)

    @staticmethod
    def _over_batches(rows: tf.Tensor, size: int, work: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Sum ``work`` over full batches of a static shape, then over the smaller last one.

        The loop is written out, since AutoGraph takes as long to find it as a small epoch takes.
        """
        whole, rest = divmod(int(rows.shape[0]), size)

        def add(i: Any, loss: Any, hits: Any) -> tuple[Any, Any, Any]:
            batch_loss, batch_hits = work(tf.slice(rows, [i * size], [size]))
            return i + 1, loss + batch_loss, hits + batch_hits

        start = (tf.constant(0), tf.constant(0.0), tf.constant(0.0))
        _, loss, hits = tf.while_loop(lambda i, *_: i < whole, add, start, parallel_iterations=1)
        if rest:
            batch_loss, batch_hits = work(rows[whole * size :])
            loss, hits = loss + batch_loss, hits + batch_hits
        return loss, hits


def _compact(variable: keras.Variable) -> NDArray[Any]:
    """A variable's value; one that is the same everywhere, as most slots begin, takes no memory."""
    value: NDArray[Any] = np.asarray(keras.ops.convert_to_numpy(variable))
    first = value.reshape(-1)[:1]
    if value.size < 2 or not (value == first).all():
        return value
    return np.broadcast_to(first.copy(), value.shape)
