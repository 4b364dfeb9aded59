"""Convolution and its input gradient as products of panels: im2col that is never written out.

The image is first padded and dealt into stride x stride planes, so that a run of result pixels is a
run in memory for every tap. Forward, the taps of WIDTH result pixels are copied into a panel
``[K, WIDTH]`` that stays in the second cache, and rows of the weight, where they lie, are the other
operand. Backward, the gradient of WIDTH pixels is the panel, rows of the transposed weight give the
gradient of every tap, and those are added to the dealt image, which is gathered at the end.

``runs`` lists pieces of neighbouring result pixels: lane of the panel, length, offset in the dealt
images, offset in the results, image of the group. Small images share a panel.
"""

from __future__ import annotations

import numpy as np

from flambeau.kernels.cpu.compiler import body, kernel
from flambeau.kernels.cpu.loops.tile import (
    LANES,
    ROWS,
    WIDTH,
    add_vector,
    address,
    copy_even,
    copy_vector,
    interleave,
    multiply,
    transpose_square,
)
from flambeau.kernels.cpu.parallel import pieces, share

STEPS = 512  #: of a sum that a panel holds
LANE, LENGTH, SOURCE, TARGET, IMAGE = 0, 1, 2, 3, 4  #: columns of ``runs``

# ---- dealing the image into planes, and gathering it


@body
def copy_even_run(source, out, spill):
    """out[j] = source[2 * j]; no vector goes beyond the rows unless ``spill`` allows it."""
    whole = min(out.size, source.size // 2) // LANES * LANES
    if spill:
        whole = (out.size + LANES - 1) // LANES * LANES
    for j in range(0, whole, LANES):
        copy_even((address(source) + 8 * j, address(out) + 4 * j))
    for j in range(whole, out.size):
        out[j] = source[2 * j]


@body
def deal_row(source, out, low, high, stride, spill):
    """out[low + j] = source[j * stride] up to ``high``, zero on both sides."""
    for j in range(low):
        out[j] = 0
    inner = out[low:high]
    if stride == 1:
        for j in range(inner.size):
            inner[j] = source[j]
    elif stride == 2:
        copy_even_run(source, inner, spill)
    else:
        for j in range(inner.size):
            inner[j] = source[j * stride]
    for j in range(high, out.size):
        out[j] = 0


@body
def deal_plane(x, item, out, a, b, geometry):
    """The pixels of one channel whose row is ``a`` and column ``b``, modulo the stride.

    A vector may spill over the end of a row, where the next rows of the plane are written over it,
    and read beyond a row of the image, where others follow.
    """
    down, across, top, left, rows, columns = geometry
    height, width = x.shape[1:]
    low = min(columns, max(0, (left - b + across - 1) // across))
    high = max(low, min(columns, (width + left - b + across - 1) // across))
    start, after = low * across + b - left, (x.shape[0] - item) * height * width - 2 * LANES
    whole = (high - low + LANES - 1) // LANES * LANES
    for i in range(rows):
        line, h = out[i * columns : (i + 1) * columns], i * down + a - top
        if 0 <= h < height and low < high:
            spill = i * columns + low + whole <= rows * columns and (h + 1) * width <= after
            deal_row(x[item, h, start:], line, low, high, across, spill)
        else:
            for j in range(columns):
                line[j] = 0


@body
def deal_chunk(arrays, first, last, thread):
    """One item is one channel of one image."""
    x, dealt, used, geometry = arrays
    down, across = geometry[:2]
    for item in range(first, last):
        for a in range(down):
            for b in range(across):
                if used[a * across + b]:
                    deal_plane(x, item, dealt[item, a * across + b], a, b, geometry)


@kernel
def deal(x, dealt, used, geometry):
    """dealt[image and channel, phase, row * columns + column] from x [.., height, width]."""
    share(deal_chunk, (x, dealt, used, geometry), x.shape[0], pieces(x.shape[0], x.size))


@body
def gather_row(plane, line, first, stride):
    """line[first + j * stride] = plane[j], where there is such a pixel."""
    low = (-first + stride - 1) // stride if first < 0 else 0
    high = (line.size - first + stride - 1) // stride
    if low < high:
        source, target = plane[low:high], line[first + low * stride :]
        for j in range(source.size):
            target[j * stride] = source[j]


@body
def gather_pair(even, odd, line, left):
    """``gather_row`` of both planes at stride 2: the line in turns from the two."""
    skip, pairs = left // 2, line.size // 2
    if left % 2:
        even, odd, skip = odd, even[1:], left // 2
    even, odd = even[skip:], odd[skip:]
    whole = pairs // LANES * LANES
    for j in range(0, whole, LANES):
        place = address(line) + 8 * j
        interleave((address(even) + 4 * j, address(odd) + 4 * j, place))
    for w in range(2 * whole, line.size):
        line[w] = odd[w // 2] if w % 2 else even[w // 2]


@body
def gather_chunk(arrays, first, last, thread):
    dx, dealt, used, geometry = arrays
    down, across, top, left, _, columns = geometry
    for item in range(first, last):
        for h in range(dx.shape[1]):
            a, i = (h + top) % down, (h + top) // down
            line, row = dx[item, h], slice(i * columns, (i + 1) * columns)
            if across == 2 and used[a * 2] and used[a * 2 + 1]:
                gather_pair(dealt[item, a * 2, row], dealt[item, a * 2 + 1, row], line, left)
                continue
            for b in range(across):
                if used[a * across + b]:
                    plane = dealt[item, a * across + b, row]
                    gather_row(plane, line, b - left, across)
                else:
                    for w in range((b - left) % across, line.size, across):
                        line[w] = 0


@kernel
def gather(dx, dealt, used, geometry):
    """The reverse of ``deal``."""
    share(gather_chunk, (dx, dealt, used, geometry), dx.shape[0], pieces(dx.shape[0], dx.size))


# ---- forward


@body
def copy_run(source, target, length):
    """Copies ``length`` numbers, the last vector in whole when it fits before the next line."""
    for j in range(0, length * 4, LANES * 4):
        copy_vector((source + j, target + j))


@body
def present(runs, images):
    """The runs of a panel that belong to the first ``images`` of its group."""
    count = runs.shape[0]
    while runs[count - 1, IMAGE] >= images:
        count -= 1
    return runs[:count]


@body
def fill_panel(panel, source, taps, runs):
    """panel[k, lane] = the pixel of each lane at tap k.

    Whole vectors are copied: what spills over a run's end is written over by the next run.
    """
    target = address(panel)
    for k in range(taps.size):
        for run in range(runs.shape[0]):
            place = source + (taps[k] + runs[run, SOURCE]) * 4
            copy_run(place, target + (k * WIDTH + runs[run, LANE]) * 4, runs[run, LENGTH])


@body
def write_runs(sums, bias, first, y, runs, pixels):
    for o in range(sums.shape[0] - ROWS):
        for run in range(runs.shape[0]):
            start, lane = runs[run, TARGET] + (first + o) * pixels, runs[run, LANE]
            out, row, shift = y[start : start + runs[run, LENGTH]], sums[o, lane:], bias[first + o]
            for j in range(out.size):
                out[j] = row[j] + shift


@body
def forward_chunk(arrays, first, last, thread):
    """One item is a part of the filters of one panel of one group of images."""
    dealt, weight, bias, y, taps, runs, ends, sizes, panels, sums_of = arrays
    batch, together, image, groups, group_image, splits = sizes
    pixels, per_group = y.shape[2], y.shape[1] // groups
    panel, row, zero = panels[thread], weight.strides[0], np.zeros(1, np.int64)
    a_rows, c_rows = np.empty(ROWS, np.int64), np.arange(ROWS) * (WIDTH * 4)
    cells = (ends.size - 1) * groups * splits
    for item in range(first, last):
        n, cell = item // cells * together, item % cells
        part, g, split = cell // (groups * splits), cell // splits % groups, cell % splits
        o0 = g * per_group + per_group * split // splits
        o1 = g * per_group + per_group * (split + 1) // splits
        spans = present(runs[ends[part] : ends[part + 1]], batch - n)
        last_run = spans[spans.shape[0] - 1]
        vectors = (last_run[LANE] + last_run[LENGTH] + LANES - 1) // LANES
        sums = sums_of[thread, : o1 - o0 + ROWS]
        source = address(dealt) + (n * image + g * group_image) * 4
        for k in range(0, taps.size, STEPS):
            steps = min(STEPS, taps.size - k)
            fill_panel(panel, source, taps[k : k + steps], spans)
            for o in range(o0, o1, ROWS):
                for i in range(ROWS):
                    a_rows[i] = min(o + i, o1 - 1) * row
                multiply(
                    vectors,
                    1 if k else 0,
                    address(weight) + k * 4,
                    address(a_rows),
                    4,
                    address(panel),
                    WIDTH * 4,
                    address(zero),
                    address(zero),
                    1,
                    steps,
                    address(sums[o - o0]),
                    address(c_rows),
                )
        write_runs(sums, bias, o0, y[n:].reshape(-1), spans, pixels)


@kernel
def forward(dealt, weight, bias, y, taps, runs, ends, sizes, panels, sums):
    """y [N, O, pixels] of dealt images and a weight [O, K]."""
    groups_of_images = (sizes[0] + sizes[1] - 1) // sizes[1]
    items = groups_of_images * (ends.size - 1) * sizes[3] * sizes[5]
    arrays = dealt, weight, bias, y, taps, runs, ends, sizes, panels, sums
    share(forward_chunk, arrays, items, min(items, 64))


# ---- the gradient of the input

BLOCK = 96  #: taps whose gradients are computed at a time


@body
def add_runs(sums, image, taps, runs):
    """image[tap + pixel] += the gradient of each tap."""
    for k in range(taps.size):
        for run in range(runs.shape[0]):
            start, length = taps[k] + runs[run, SOURCE], runs[run, LENGTH]
            whole = length // LANES * LANES
            source, target = address(sums[k, runs[run, LANE] :]), address(image[start:])
            for j in range(0, whole * 4, LANES * 4):
                add_vector((source + j, target + j))
            row, out = sums[k, runs[run, LANE] + whole :], image[start + whole :]
            for j in range(length - whole):
                out[j] += row[j]


@body
def fill_gradients(panel, grad, first, steps, pixels, runs):
    """panel[o, lane] = the gradient of each lane's result in filter ``first + o``."""
    for o in range(steps):
        for run in range(runs.shape[0]):
            start, length = runs[run, TARGET] + (first + o) * pixels, runs[run, LENGTH]
            source, out = grad[start:], panel[o, runs[run, LANE] :]
            for j in range(length):
                out[j] = source[j]


@body
def clear(flat):
    for i in range(flat.size):
        flat[i] = 0


@body
def input_chunk(arrays, first, last, thread):
    """One item is a part of the channels of one group of images."""
    grad, turned, dealt, taps, runs, ends, sizes, panels, sums_of = arrays
    batch, together, image, groups, group_image, parts, channels = sizes
    pixels, per_group = grad.shape[2], turned.shape[1]
    channel, each = group_image // channels, taps.size // channels
    panel, sums, zero = panels[thread], sums_of[thread], np.zeros(1, np.int64)
    a_rows, c_rows = np.empty(ROWS, np.int64), np.arange(ROWS) * (WIDTH * 4)
    for item in range(first, last):
        n, g = item // (groups * parts) * together, item // parts % groups
        c0, c1 = channels * (item % parts) // parts, channels * (item % parts + 1) // parts
        k1 = c1 * each
        flat, images = dealt[n * image + g * group_image :], min(together, batch - n)
        for i in range(images):
            clear(flat[i * image + c0 * channel : i * image + c1 * channel])
        for part in range(ends.size - 1):
            spans = present(runs[ends[part] : ends[part + 1]], images)
            last_run = spans[spans.shape[0] - 1]
            vectors = (last_run[LANE] + last_run[LENGTH] + LANES - 1) // LANES
            for o in range(0, per_group, STEPS):
                steps = min(STEPS, per_group - o)
                fill_gradients(panel, grad[n:].reshape(-1), g * per_group + o, steps, pixels, spans)
                for block in range(c0 * each, k1, BLOCK):
                    count = min(BLOCK, k1 - block)
                    for k in range(0, count, ROWS):
                        for i in range(ROWS):
                            a_rows[i] = min(block + k + i, k1 - 1) * (per_group * 4)
                        multiply(
                            vectors,
                            0,
                            address(turned[g * taps.size]) + o * 4,
                            address(a_rows),
                            4,
                            address(panel),
                            WIDTH * 4,
                            address(zero),
                            address(zero),
                            1,
                            steps,
                            address(sums[k]),
                            address(c_rows),
                        )
                    add_runs(sums, flat, taps[block : block + count], spans)


@kernel
def input_gradient(grad, turned, dealt, taps, runs, ends, sizes, panels, sums):
    """The dealt gradient of the input, from grad [N, O, pixels] and the turned weight."""
    items = (sizes[0] + sizes[1] - 1) // sizes[1] * sizes[3] * sizes[5]
    arrays = grad, turned, dealt, taps, runs, ends, sizes, panels, sums
    share(input_chunk, arrays, items, min(items, 64))


@body
def turn_chunk(arrays, first, last, thread):
    """One item is LANES taps of one group."""
    weight, turned = arrays
    taps, filters = weight.shape[1], turned.shape[1]
    blocks, rows = (taps + LANES - 1) // LANES, np.arange(LANES) * (filters * 4)
    for item in range(first, last):
        g, k0 = item // blocks, item % blocks * LANES
        k1, whole = min(taps, k0 + LANES), filters // LANES * LANES if k0 + LANES <= taps else 0
        for o in range(0, whole, LANES):
            transpose_square(
                address(weight[g * filters + o]) + k0 * 4,
                taps * 4,
                address(turned[g * taps + k0]) + o * 4,
                address(rows),
            )
        for k in range(k0, k1):
            out = turned[g * taps + k]
            for o in range(whole, filters):
                out[o] = weight[g * filters + o, k]


@kernel
def turn(weight, turned, groups):
    """turned[g * K + k, o] = weight[g * O / groups + o, k]."""
    items = groups * ((weight.shape[1] + LANES - 1) // LANES)
    share(turn_chunk, (weight, turned), items, pieces(items, weight.size))
