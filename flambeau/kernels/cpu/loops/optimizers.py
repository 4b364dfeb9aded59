"""One call updates all parameters: Adam and SGD over lists of arrays.

The arrays of all tensors are cut in blocks of at most BLOCK elements, and the blocks are what
threads share, so that one big tensor and many small ones balance alike. Everything is read and
written once.
"""

from __future__ import annotations

import numpy as np
from numba import carray  # pyright: ignore[reportPrivateImportUsage]

from flambeau.kernels.cpu.compiler import device, exact, kernel
from flambeau.kernels.cpu.loops.functions import root
from flambeau.kernels.cpu.loops.objects import DATA, count, item, numbers_at, plain, word
from flambeau.kernels.cpu.parallel import pieces, share

BLOCK = 16384


@exact
def blocks_of(params, others, tensors, kind):
    """Where each tensor's blocks begin, or an empty array when an array is of another form.

    ``others`` holds the addresses of the lists that go with ``params``, 0 for none.
    """
    starts = np.zeros(tensors + 1, np.int64)
    for i in range(tensors):
        size = count(item(params, i))
        for sequence in (params, *others):
            if sequence and not plain(item(sequence, i), kind, size):
                return np.zeros(0, np.int64)
        starts[i + 1] = starts[i] + (size + BLOCK - 1) // BLOCK
    return starts


@exact
def block_at(sequence, i, start, size, like):
    """``size`` numbers of array i of a list, from number ``start``; of the type of ``like``."""
    return carray(numbers_at(word((item(sequence, i) + DATA,)), like), start + size)[start:]


@exact
def tensor_of(starts, block):
    """Which tensor a block belongs to."""
    low, high = 0, starts.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= block:
            low = middle
        else:
            high = middle
    while starts[low + 1] <= block:
        low += 1
    return low


@device
def adam_block(p, grad, mean, square, top, amsgrad, sign, settings):
    rest1, beta2, rest2, decay, keep, step, scale, eps = settings
    for i in range(p.size):
        g = grad[i] * sign + decay * p[i]
        m = mean[i] + (g - mean[i]) * rest1
        s = square[i] * beta2 + g * g * rest2
        mean[i], square[i] = m, s
        if amsgrad:
            s = top[i] if top[i] > s or top[i] != top[i] else s
            top[i] = s
        p[i] = p[i] * keep - step * m / (root(s) / scale + eps)


@exact
def adam_chunk(arrays, first, last, thread):
    lists, starts, steps, like, maximize, decoupled, settings = arrays
    params, grads, means, squares, tops = lists
    lr, beta1, beta2, decay, eps = settings
    kind = type(like)
    one, decay_now = kind(1), kind(0.0 if decoupled else decay)
    keep = kind(1 - lr * decay) if decoupled else one
    for item_number in range(first, last):
        i = tensor_of(starts, item_number)
        start = (item_number - starts[i]) * BLOCK
        size = min(BLOCK, count(item(params, i)) - start)
        square = block_at(squares, i, start, size, like)
        step = kind(lr / (1 - beta1 ** steps[i]))
        scale = kind((1 - beta2 ** steps[i]) ** 0.5)
        adam_block(
            block_at(params, i, start, size, like),
            block_at(grads, i, start, size, like),
            block_at(means, i, start, size, like),
            square,
            block_at(tops, i, start, size, like) if tops else square,
            tops != 0,
            -one if maximize else one,
            (
                kind(1 - beta1),
                kind(beta2),
                kind(1 - beta2),
                decay_now,
                keep,
                step,
                scale,
                kind(eps),
            ),
        )


@kernel
def adam_lists(lists, kind, steps, like, maximize, decoupled, settings):
    """Whether the arrays were of the expected form and have been updated."""
    starts = blocks_of(lists[0], lists[1:], steps.size, kind)
    if starts.size == 0:
        return False
    blocks = starts[steps.size]
    arrays = lists, starts, steps, like, maximize, decoupled, settings
    share(adam_chunk, arrays, blocks, pieces(blocks, blocks * BLOCK // 4))
    return True


@device
def sgd_block(p, grad, velocity, with_momentum, nesterov, sign, settings):
    lr, momentum, rest, decay = settings
    for i in range(p.size):
        step = grad[i] * sign + decay * p[i]
        if with_momentum:
            v = velocity[i] * momentum + rest * step
            velocity[i] = v
            step = step + momentum * v if nesterov else v
        p[i] = p[i] - lr * step


@exact
def sgd_chunk(arrays, first, last, thread):
    lists, starts, like, nesterov, maximize, settings = arrays
    params, grads, buffers = lists
    lr, momentum, dampening, decay = settings
    kind = type(like)
    for item_number in range(first, last):
        i = tensor_of(starts, item_number)
        start = (item_number - starts[i]) * BLOCK
        size = min(BLOCK, count(item(params, i)) - start)
        p = block_at(params, i, start, size, like)
        sgd_block(
            p,
            block_at(grads, i, start, size, like),
            block_at(buffers, i, start, size, like) if buffers else p,
            buffers != 0,
            nesterov,
            kind(-1) if maximize else kind(1),
            (kind(lr), kind(momentum), kind(1 - dampening), kind(decay)),
        )


@kernel
def sgd_lists(lists, kind, tensors, like, nesterov, maximize, settings):
    """Whether the arrays were of the expected form and have been updated."""
    starts = blocks_of(lists[0], lists[1:], tensors, kind)
    if starts.size == 0:
        return False
    blocks = starts[tensors]
    arrays = lists, starts, like, nesterov, maximize, settings
    share(sgd_chunk, arrays, blocks, pieces(blocks, blocks * BLOCK // 4))
    return True
