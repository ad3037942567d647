"""A whole epoch as one compiled graph: shuffle in, mean loss and accuracy out.

The steps are those of Keras' ``fit``: a forward pass in training mode, sparse categorical
cross-entropy averaged over the batch, gradients, the optimizer's update; the last batch may be
smaller. The epoch's loss and accuracy are means over images, as ``fit`` reports them. Images stay
in memory as uint8 and are scaled in the graph.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

VALIDATION_BATCH = 500


class CompiledEpoch:
    """A model and an optimizer with their compiled training epoch and validation pass.

    Compiling takes longer than training a small model, so one instance serves all replicates of an
    arm: `restart` gives it the variables of a fresh model, and nothing else carries over.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        images: NDArray[Any],
        labels: NDArray[np.int64],
        *,
        scale: float,
        batch_size: int,
    ) -> None:
        """Prepare the graphs.

        Args:
            model: A built model that ends in class probabilities.
            optimizer: Its optimizer; built here.
            images: All images, training and validation, shape ``(n, height, width, channels)``.
            labels: Their classes, shape ``(n,)``.
            scale: Images are divided by this.
            batch_size: Images a step.
        """
        self.model, self.optimizer = model, optimizer
        optimizer.build(model.trainable_variables)
        with tf.device("CPU"):
            self._images = tf.constant(images)
            self._labels = tf.constant(labels)
        self._scale, self._batch_size = scale, batch_size
        self._fresh_optimizer = [keras.ops.convert_to_numpy(v) for v in optimizer.variables]
        self._train = tf.function(self._train_epoch)
        self._evaluate = tf.function(self._evaluate_all)

    def restart(self, fresh: keras.Model) -> None:
        """Begin a new trial: the variables of a fresh model, an optimizer without memory."""
        for variable, value in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(value)
        for variable, value in zip(self.optimizer.variables, self._fresh_optimizer, strict=True):
            variable.assign(value)

    def train(self, order: NDArray[np.int64]) -> tuple[float, float]:
        """Train one epoch over the images in the given order; returns mean loss and accuracy."""
        loss, hits = self._train(tf.constant(order))
        return float(loss) / len(order), float(hits) / len(order)

    def evaluate(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Mean loss and accuracy on the given images, with dropout off."""
        loss, hits = self._evaluate(tf.constant(rows))
        return float(loss) / len(rows), float(hits) / len(rows)

    def _batch(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(tf.gather(self._images, rows), tf.float32) / self._scale
        return images, tf.gather(self._labels, rows)

    def _sums(self, rows: tf.Tensor, *, training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Mean loss, summed loss and number of hits of one batch."""
        images, labels = self._batch(rows)
        probabilities = self.model(images, training=training)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        hits = tf.equal(tf.argmax(probabilities, axis=1), labels)
        mean = tf.reduce_mean(losses)
        return mean, tf.reduce_sum(losses), tf.reduce_sum(tf.cast(hits, tf.float32))

    def _step(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            mean, loss, hits = self._sums(rows, training=True)
            target = self.optimizer.scale_loss(mean)
        self.optimizer.apply(tape.gradient(target, variables), variables)
        return loss, hits

    def _train_epoch(self, order: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._over_batches(order, self._batch_size, self._step)

    def _evaluate_all(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def sums(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return self._sums(batch, training=False)[1:]

        return self._over_batches(rows, VALIDATION_BATCH, sums)

    @staticmethod
    def _over_batches(rows: tf.Tensor, size: int, work: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Sum ``work`` over full batches of a static shape, then over the smaller last one."""
        count = int(rows.shape[0])
        loss, hits = tf.constant(0.0), tf.constant(0.0)
        whole = count // size
        for i in tf.range(whole):
            batch = tf.ensure_shape(rows[i * size : (i + 1) * size], (size,))
            batch_loss, batch_hits = work(batch)
            loss, hits = loss + batch_loss, hits + batch_hits
        if count % size:
            batch_loss, batch_hits = work(rows[whole * size :])
            loss, hits = loss + batch_loss, hits + batch_hits
        return loss, hits
