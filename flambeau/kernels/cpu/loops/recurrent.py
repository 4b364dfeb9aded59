"""The steps of recurrent layers: a whole sequence a call, the state's weight packed once.

One item of a step is a panel of ``WIDTH`` units and a part of the batch: the state's products of
its gates come first, into scratch, then the cell, while they are in cache. Backward, the item's
products are the gradient that the following step hands to its units, then the cell's gradient. So
a step meets once, and each thread keeps its panels of the weight in its own second cache.

The loops over units are many and short: LLVM vectorises one that writes a single array surely.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.panels import pack, times_panels
from flambeau.kernels.cpu.loops.pointwise import sigmoid, tanh
from flambeau.kernels.cpu.loops.tile import WIDTH, address
from flambeau.kernels.cpu.parallel import share

f = np.float32
ONE, ZERO = f(1), f(0)

# ---- loops over the units of a row


@body
def sigmoid_of_sum(gate, product):
    for j in range(gate.size):
        gate[j] = sigmoid(gate[j] + product[j])


@body
def tanh_of_sum(gate, product):
    for j in range(gate.size):
        gate[j] = tanh(gate[j] + product[j])


@body
def relu_of_sum(gate, product):
    for j in range(gate.size):
        y = gate[j] + product[j]
        gate[j] = ZERO if y < ZERO else y


@body
def copy(source, out):
    for j in range(out.size):
        out[j] = source[j]


@body
def tanh_to(x, out):
    for j in range(out.size):
        out[j] = tanh(x[j])


@body
def add_to(x, out):
    for j in range(out.size):
        out[j] += x[j]


@body
def multiply_to(x, out):
    for j in range(out.size):
        out[j] *= x[j]


@body
def new_cell(i_gate, f_gate, new, cell, out):
    for j in range(out.size):
        out[j] = f_gate[j] * cell[j] + i_gate[j] * new[j]


@body
def hidden_of(o_gate, cell, out):
    for j in range(out.size):
        out[j] = o_gate[j] * tanh(cell[j])


@body
def new_gate(reset, product, gate):
    for j in range(gate.size):
        gate[j] = tanh(gate[j] + reset[j] * product[j])


@body
def mix(update, new, old, out):
    for j in range(out.size):
        out[j] = new[j] + update[j] * (old[j] - new[j])


@body
def cell_gradient(d, o_gate, bent, dc):
    """The gradient of the cell through the output."""
    for j in range(dc.size):
        dc[j] += d[j] * o_gate[j] * (ONE - bent[j] * bent[j])


@body
def sigmoid_gradient(d, factor, s, out):
    """The gradient before a sigmoid whose result ``s`` was multiplied by ``factor``."""
    for j in range(out.size):
        out[j] = d[j] * factor[j] * s[j] * (ONE - s[j])


@body
def tanh_gradient(d, factor, y, out):
    for j in range(out.size):
        out[j] = d[j] * factor[j] * (ONE - y[j] * y[j])


@body
def update_gradient(d, old, new, z, out):
    for j in range(out.size):
        out[j] = d[j] * (old[j] - new[j]) * z[j] * (ONE - z[j])


@body
def new_gradient(d, z, n, out):
    for j in range(out.size):
        out[j] = d[j] * (ONE - z[j]) * (ONE - n[j] * n[j])


@body
def product_of(a, b, out):
    for j in range(out.size):
        out[j] = a[j] * b[j]


@body
def plain_gradient(d, y, rectified, out):
    if rectified:
        for j in range(out.size):
            out[j] = d[j] if y[j] > ZERO else ZERO
    else:
        for j in range(out.size):
            out[j] = d[j] * (ONE - y[j] * y[j])


# ---- items


@body
def place_of(item, parts, batch, size):
    """The rows and the units of an item: first and last of each."""
    panel, part = item // parts, item % parts
    start = panel * WIDTH
    return batch * part // parts, batch * (part + 1) // parts, start, min(size, start + WIDTH)


@body
def state_products(previous, panels, gates, r0, r1, u0, u1, scratch):
    """scratch[gate, row - r0, unit - u0] = the state's products of an item."""
    size = previous.shape[1]
    for g in range(gates):
        panel, out = panels[g].reshape(-1)[u0 * size :], scratch[g]
        times_panels(
            address(previous[r0]), size * 4, 4, r1 - r0, size,
            address(panel), u1 - u0, address(out), WIDTH * 4, 0,
        )  # fmt: skip


@body
def pack_gates(weight, panels):
    """Each gate's rows of the weight [gates * H, H] as columns of panels."""
    size = weight.shape[1]
    for g in range(panels.shape[0]):
        pack(address(weight[g * size]), 4, size * 4, size, size, address(panels[g]))


@body
def carried_gradient(following, panels, r0, r1, u0, u1, scratch):
    """scratch[row - r0, unit - u0] = what the following step hands back to the state."""
    wide = following.shape[1]
    times_panels(
        address(following[r0]), wide * 4, 4, r1 - r0, wide,
        address(panels) + u0 * wide * 4, u1 - u0, address(scratch), WIDTH * 4, 0,
    )  # fmt: skip


# ---- LSTM


@body
def lstm_chunk(arrays, first, last, thread):
    gates, previous, cell, new, hidden, panels, work, parts = arrays
    size, scratch = hidden.shape[1], work[thread]
    for item in range(first, last):
        r0, r1, u0, u1 = place_of(item, parts, hidden.shape[0], size)
        state_products(previous, panels, 4, r0, r1, u0, u1, scratch)
        for r in range(r0, r1):
            row, p, n = gates[r], scratch[:, r - r0], u1 - u0
            i, keep = row[u0:u1], row[size + u0 : size + u1]
            g, o = row[2 * size + u0 : 2 * size + u1], row[3 * size + u0 : 3 * size + u1]
            sigmoid_of_sum(i, p[0, :n])
            sigmoid_of_sum(keep, p[1, :n])
            tanh_of_sum(g, p[2, :n])
            sigmoid_of_sum(o, p[3, :n])
            new_cell(i, keep, g, cell[r, u0:u1], new[r, u0:u1])
            hidden_of(o, new[r, u0:u1], hidden[r, u0:u1])


@kernel
def lstm_steps(gates, h, c, weight, cells, out, panels, work, parts, reverse):
    """gates [T, B, 4 * H] hold the input products, then the activations."""
    length, size = out.shape[0], out.shape[2]
    items = (size + WIDTH - 1) // WIDTH * parts
    pack_gates(weight, panels)
    for step in range(length):
        t = length - 1 - step if reverse else step
        last = t + 1 if reverse else t - 1
        previous, cell = (h, c) if step == 0 else (out[last], cells[last])
        arrays = gates[t], previous, cell, cells[t], out[t], panels, work, parts
        share(lstm_chunk, arrays, items, items)


@body
def lstm_gradient_chunk(arrays, first, last, thread):
    grad, gates, before, after, following, d_gates, dc, panels, work, parts, start = arrays
    size, scratch = dc.shape[1], work[thread]
    for item in range(first, last):
        r0, r1, u0, u1 = place_of(item, parts, dc.shape[0], size)
        if not start:
            carried_gradient(following, panels, r0, r1, u0, u1, scratch[0])
        for r in range(r0, r1):
            row, out, d, n = gates[r], d_gates[r], scratch[0, r - r0], u1 - u0
            i, keep = row[u0:u1], row[size + u0 : size + u1]
            g, o = row[2 * size + u0 : 2 * size + u1], row[3 * size + u0 : 3 * size + u1]
            dh, bent, state = d[:n], scratch[1, 0, :n], dc[r, u0:u1]
            if start:
                copy(grad[r, u0:u1], dh)
            else:
                add_to(grad[r, u0:u1], dh)
            tanh_to(after[r, u0:u1], bent)
            cell_gradient(dh, o, bent, state)
            sigmoid_gradient(state, g, i, out[u0:u1])
            sigmoid_gradient(state, before[r, u0:u1], keep, out[size + u0 : size + u1])
            tanh_gradient(state, i, g, out[2 * size + u0 : 2 * size + u1])
            sigmoid_gradient(dh, bent, o, out[3 * size + u0 : 3 * size + u1])
            multiply_to(keep, state)


@kernel
def lstm_gradient_steps(grad, gates, c, cells, weight, d_gates, dc, panels, work, parts, reverse):
    """d_gates [T, B, 4 * H]; dc holds the gradient of the last cell, then of the first."""
    length, size = grad.shape[0], grad.shape[2]
    items = (size + WIDTH - 1) // WIDTH * parts
    pack(address(weight), size * 4, 4, 4 * size, size, address(panels))
    for step in range(length):
        t = step if reverse else length - 1 - step
        last = t + 1 if reverse else t - 1
        before = c if step == length - 1 else cells[last]
        following = d_gates[t if step == 0 else (t - 1 if reverse else t + 1)]
        arrays = (
            grad[t], gates[t], before, cells[t], following, d_gates[t], dc, panels, work, parts,
            step == 0,
        )  # fmt: skip
        share(lstm_gradient_chunk, arrays, items, items)


# ---- GRU


@body
def gru_chunk(arrays, first, last, thread):
    gates, previous, kept, hidden, bias, panels, work, parts = arrays
    size, scratch = hidden.shape[1], work[thread]
    for item in range(first, last):
        r0, r1, u0, u1 = place_of(item, parts, hidden.shape[0], size)
        state_products(previous, panels, 3, r0, r1, u0, u1, scratch)
        for r in range(r0, r1):
            row, p, n = gates[r], scratch[:, r - r0], u1 - u0
            reset, z = row[u0:u1], row[size + u0 : size + u1]
            new, product = row[2 * size + u0 : 2 * size + u1], kept[r, u0:u1]
            for g in range(3):
                add_to(bias[g * size + u0 : g * size + u1], p[g, :n])
            copy(p[2, :n], product)
            sigmoid_of_sum(reset, p[0, :n])
            sigmoid_of_sum(z, p[1, :n])
            new_gate(reset, product, new)
            mix(z, new, previous[r, u0:u1], hidden[r, u0:u1])


@kernel
def gru_steps(gates, h, weight, bias, kept, out, panels, work, parts, reverse):
    """gates [T, B, 3 * H] hold the input products, then the activations."""
    length, size = out.shape[0], out.shape[2]
    items = (size + WIDTH - 1) // WIDTH * parts
    pack_gates(weight, panels)
    for step in range(length):
        t = length - 1 - step if reverse else step
        previous = h if step == 0 else out[t + 1 if reverse else t - 1]
        arrays = gates[t], previous, kept[t], out[t], bias, panels, work, parts
        share(gru_chunk, arrays, items, items)


@body
def gru_gradient_chunk(arrays, first, last, thread):
    grad, gates, before, kept, following, d_gates, d_hidden, dh, panels, work, parts, start = arrays
    size, scratch = dh.shape[1], work[thread]
    for item in range(first, last):
        r0, r1, u0, u1 = place_of(item, parts, dh.shape[0], size)
        if not start:
            carried_gradient(following, panels, r0, r1, u0, u1, scratch[0])
        for r in range(r0, r1):
            row, out, back, n = gates[r], d_gates[r], d_hidden[r], u1 - u0
            reset, z = row[u0:u1], row[size + u0 : size + u1]
            new, d = row[2 * size + u0 : 2 * size + u1], dh[r, u0:u1]
            dn = out[2 * size + u0 : 2 * size + u1]
            add_to(grad[r, u0:u1], d)
            if not start:
                add_to(scratch[0, r - r0, :n], d)
            new_gradient(d, z, new, dn)
            sigmoid_gradient(dn, kept[r, u0:u1], reset, out[u0:u1])
            update_gradient(d, before[r, u0:u1], new, z, out[size + u0 : size + u1])
            copy(out[u0:u1], back[u0:u1])
            copy(out[size + u0 : size + u1], back[size + u0 : size + u1])
            product_of(dn, reset, back[2 * size + u0 : 2 * size + u1])
            multiply_to(z, d)


@kernel
def gru_gradient_steps(
    grad, gates, h, out, kept, weight, d_gates, d_hidden, dh, panels, work, parts, reverse
):
    """d_gates and d_hidden [T, B, 3 * H]; dh holds what the first update gate hands on."""
    length, size = grad.shape[0], grad.shape[2]
    items = (size + WIDTH - 1) // WIDTH * parts
    pack(address(weight), size * 4, 4, 3 * size, size, address(panels))
    for step in range(length):
        t = step if reverse else length - 1 - step
        before = h if step == length - 1 else out[t + 1 if reverse else t - 1]
        following = d_hidden[t if step == 0 else (t - 1 if reverse else t + 1)]
        arrays = (
            grad[t], gates[t], before, kept[t], following, d_gates[t], d_hidden[t], dh, panels,
            work, parts, step == 0,
        )  # fmt: skip
        share(gru_gradient_chunk, arrays, items, items)


# ---- one gate


@body
def rnn_chunk(arrays, first, last, thread):
    previous, hidden, panels, work, parts, rectified = arrays
    size, scratch = hidden.shape[1], work[thread]
    for item in range(first, last):
        r0, r1, u0, u1 = place_of(item, parts, hidden.shape[0], size)
        state_products(previous, panels, 1, r0, r1, u0, u1, scratch)
        for r in range(r0, r1):
            if rectified:
                relu_of_sum(hidden[r, u0:u1], scratch[0, r - r0, : u1 - u0])
            else:
                tanh_of_sum(hidden[r, u0:u1], scratch[0, r - r0, : u1 - u0])


@kernel
def rnn_steps(h, weight, out, panels, work, parts, rectified, reverse):
    """out [T, B, H] holds the input products, then the outputs."""
    length, size = out.shape[0], out.shape[2]
    items = (size + WIDTH - 1) // WIDTH * parts
    pack_gates(weight, panels)
    for step in range(length):
        t = length - 1 - step if reverse else step
        previous = h if step == 0 else out[t + 1 if reverse else t - 1]
        share(rnn_chunk, (previous, out[t], panels, work, parts, rectified), items, items)


@body
def rnn_gradient_chunk(arrays, first, last, thread):
    grad, hidden, following, d_gates, panels, work, parts, rectified, start = arrays
    size, scratch = hidden.shape[1], work[thread]
    for item in range(first, last):
        r0, r1, u0, u1 = place_of(item, parts, hidden.shape[0], size)
        if not start:
            carried_gradient(following, panels, r0, r1, u0, u1, scratch[0])
        for r in range(r0, r1):
            d = scratch[0, r - r0, : u1 - u0]
            if start:
                copy(grad[r, u0:u1], d)
            else:
                add_to(grad[r, u0:u1], d)
            plain_gradient(d, hidden[r, u0:u1], rectified, d_gates[r, u0:u1])


@kernel
def rnn_gradient_steps(grad, out, weight, d_gates, panels, work, parts, rectified, reverse):
    """d_gates [T, B, H]: the gradients before the activation."""
    length, size = grad.shape[0], grad.shape[2]
    items = (size + WIDTH - 1) // WIDTH * parts
    pack(address(weight), size * 4, 4, size, size, address(panels))
    for step in range(length):
        t = step if reverse else length - 1 - step
        following = d_gates[t if step == 0 else (t - 1 if reverse else t + 1)]
        arrays = (
            grad[t], out[t], following, d_gates[t], panels, work, parts, rectified, step == 0,
        )  # fmt: skip
        share(rnn_gradient_chunk, arrays, items, items)
