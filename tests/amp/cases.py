"""Expressions whose result dtypes under autocast are compared with PyTorch's.

``x``, ``y`` are matrices [4, 4] of the given dtype, ``w`` a float32 matrix, ``v`` a vector, ``b`` a
stack [2, 4, 4], ``i`` images [1, 4, 6, 6], ``c`` volumes [1, 4, 4, 4, 4], ``s`` a sequence
[1, 4, 6], ``k`` int64 labels [4], ``p`` positive definite; all positive and below 1.
"""

EXPRESSIONS = """
x @ y; x @ w; x.mm(w); torch.matmul(x, v); x.mv(v); torch.dot(v, v); b.bmm(b); b @ w; v @ x
torch.addmm(w, x, y); torch.addmv(v, x, v); torch.baddbmm(b, b, b); torch.addbmm(w, b, b)
torch.addr(x, v, v); torch.chain_matmul(x, w, y); torch.linalg.multi_dot([x, w, y])
torch.einsum('ij,jk->ik', x, w); torch.tensordot(x, w, 1); torch.inner(x, w); torch.outer(v, v)
torch.kron(x, w); torch.vdot(v, v); torch.linalg.vecdot(x, w); torch.cross(x[:, :3], w[:, :3], 1)
F.linear(x, w); F.linear(x, w, v); F.linear(x, w, w[0]); F.bilinear(x, y, b[:, :4])
F.conv1d(s, s); F.conv2d(i, i[:, :, :3, :3]); F.conv3d(c, c[..., :2])
F.conv_transpose1d(s, s.transpose(0, 1)); F.conv_transpose2d(i, i.transpose(0, 1))
F.conv_transpose3d(c, c.transpose(0, 1))
F.scaled_dot_product_attention(b, b, b); F.prelu(x, v); F.prelu(x, w[0])
F.softmax(x, 1); F.log_softmax(x, 1); F.softmin(x, 1); F.softplus(x); F.gelu(x); F.relu(x)
F.silu(x)
F.softmax(x, 1, dtype=torch.float64); F.logsigmoid(x); torch.logsumexp(x, 1); torch.sigmoid(x)
torch.tanh(x)
F.layer_norm(x, (4,)); F.layer_norm(x, (4,), w[0], w[0]); F.group_norm(i, 2)
F.batch_norm(i, None, None, training=True)
F.instance_norm(i); F.rms_norm(x, (4,)); F.local_response_norm(i, 2); F.normalize(x)
F.cosine_similarity(x, w); F.pairwise_distance(x, w)
F.mse_loss(x, y); F.l1_loss(x, y); F.smooth_l1_loss(x, y); F.huber_loss(x, y); F.kl_div(x, y)
F.cross_entropy(x, k); F.nll_loss(x, k); F.nll_loss(i[:, :, :2, :2], k.reshape(1, 2, 2))
F.binary_cross_entropy(x, y)
F.binary_cross_entropy_with_logits(x, y); F.soft_margin_loss(x, y); F.margin_ranking_loss(v, v, v)
F.hinge_embedding_loss(x, y); F.cosine_embedding_loss(x, y, v); F.triplet_margin_loss(x, y, x)
F.multi_margin_loss(x, k)
F.multilabel_margin_loss(x, k.expand(4, 4)); F.poisson_nll_loss(x, y); F.gaussian_nll_loss(x, y, y)
F.multilabel_soft_margin_loss(x, y)
F.mse_loss(x, w); F.l1_loss(x, w); F.smooth_l1_loss(x, w)
F.avg_pool1d(s, 2); F.avg_pool2d(i, 2); F.avg_pool3d(c, 2); F.max_pool1d(s, 2); F.max_pool2d(i, 2)
F.max_pool3d(c, 2)
F.adaptive_avg_pool1d(s, 2); F.adaptive_avg_pool2d(i, 2); F.adaptive_avg_pool3d(c, 2)
F.adaptive_max_pool2d(i, 2); F.adaptive_max_pool3d(c, 2)
F.pad(s, (1, 1), 'reflect'); F.pad(i, (1, 1, 1, 1), 'reflect')
F.pad(c, (1, 1, 1, 1, 1, 1), 'reflect'); F.pad(x, (1, 1))
F.pad(s, (1, 1), 'replicate'); F.pad(i, (1, 1, 1, 1), 'replicate')
F.pad(c, (1, 1, 1, 1, 1, 1), 'replicate'); F.pad(i, (1, 1, 1, 1), 'circular')
F.interpolate(i, scale_factor=2); F.interpolate(i, scale_factor=2, mode='bilinear')
F.grid_sample(i, i[:, :, :, :2], align_corners=False)
F.grid_sample(i, w[None, ..., None].expand(1, 4, 4, 2), align_corners=False); F.embedding(k, x)
F.dropout(x, 0.5); F.unfold(i, 2)
F.max_unpool2d(*F.max_pool2d(i, 2, return_indices=True), 2); F.pixel_shuffle(i, 2); F.glu(x)
F.fold(i.reshape(1, 4, 36)[..., :25], (6, 6), 2)
x + w; x * w; x - w; x / w; x + y; x ** 2; x ** w; 2 ** x; 2 / x; x.pow(2); x.exp(); x.log()
x.sqrt(); x.rsqrt(); x.reciprocal()
x.log10(); x.log2(); x.log1p(); x.expm1(); x.acos(); x.asin(); x.atan(); x.cosh(); x.sinh(); x.tan()
x.sin(); x.cos(); x.erf(); x.erfinv()
x.sum(); x.sum(0); x.mean(); x.mean(0); x.prod(); x.prod(0); x.cumsum(0); x.cumprod(0); x.std()
x.var(); x.norm(); x.norm(2, 1); torch.linalg.norm(x)
torch.linalg.vector_norm(x); torch.linalg.matrix_norm(x); x.renorm(2, 0, 1.0); torch.dist(x, y)
torch.cdist(x, y); torch.pdist(x); F.pdist(x)
x.median(); x.max(); x.amax(0); x.trace(); x.quantile(0.5); x.nanquantile(0.5); x.sort().values
x.topk(2).values; x.logcumsumexp(0)
torch.cat([x, w]); torch.stack([x, w]); torch.cat([x, y]); torch.hstack([x, w])
torch.addcmul(x, w, y); torch.addcdiv(x, w, y); torch.atan2(x, w)
torch.where(x > 0.5, x, w); torch.maximum(x, w); torch.lerp(x, y, 0.5); torch.clamp(x, 0.2)
x.index_copy(0, k, w); x.index_add(0, k, y); x.scatter_add(0, k.expand(4, 4), w)
x.index_put((k,), w[0]); x.masked_fill(x > 0.5, 1.0); torch.polar(x, y)
torch.view_as_complex(x[:, :2].contiguous()); torch.complex(x, y)
torch.fft.fft(x); torch.fft.rfft(x); torch.fft.rfft2(x); torch.fft.irfft(x + 0j)
torch.stft(v.repeat(8), 8, return_complex=True)
torch.linalg.inv(p); torch.inverse(p); torch.linalg.cholesky(p); torch.cholesky(p)
torch.cholesky_inverse(p); torch.cholesky_solve(x, p)
torch.linalg.solve(p, x); torch.linalg.svdvals(x); torch.linalg.eigvalsh(p)
torch.linalg.eigh(p).eigenvalues; torch.linalg.qr(x).Q; torch.linalg.svd(x).S
torch.linalg.matrix_rank(p); torch.linalg.cond(p); torch.linalg.det(p)
torch.linalg.slogdet(p).logabsdet; torch.pinverse(p); torch.linalg.pinv(p); torch.det(p)
torch.linalg.matrix_power(x, 2); torch.linalg.matrix_exp(x); torch.linalg.lstsq(p, x).solution
torch.linalg.eig(p).eigenvalues; torch.linalg.eigvals(p); torch.logdet(p)
torch.linalg.householder_product(x, v); torch.orgqr(x, v); torch.ormqr(x, v, y); torch.geqrf(x)[0]
torch.linalg.tensorinv(p, ind=1); torch.linalg.tensorsolve(p, v)
torch.lu_solve(x, *torch.linalg.lu_factor(w)); torch.linalg.lu_factor(p)[0]; torch.linalg.lu(p)[0]
torch.svd(x)[1]; torch.qr(x)[0]; torch.triangular_solve(x, p)[0]
torch.linalg.solve_triangular(p, x, upper=True)
nn.Linear(4, 4)(x); nn.Conv2d(4, 2, 3)(i); nn.LSTM(6, 5)(s)[0]; nn.GRU(6, 5)(s)[0]
nn.RNN(6, 5)(s)[0]; nn.LSTMCell(4, 5)(x)[0]; nn.GRUCell(4, 5)(x); nn.RNNCell(4, 5)(x)
nn.LSTM(6, 5)(s)[1][0]; nn.LSTM(6, 5)(s)[1][1]; nn.LSTM(6, 5, proj_size=2)(s)[0]; nn.LayerNorm(4)(x)
nn.BatchNorm2d(4)(i); nn.MultiheadAttention(4, 2)(x, x, x)[0]
nn.TransformerEncoderLayer(4, 2, 8)(b); nn.GroupNorm(2, 4)(i); nn.Embedding(4, 3)(k)
nn.CrossEntropyLoss()(x, k); nn.Bilinear(4, 4, 2)(x, y); nn.PReLU()(x)
nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))(x); nn.CosineSimilarity()(x, y)
nn.ConvTranspose2d(4, 2, 3)(i); nn.Softmax(1)(x); nn.GELU()(x)
"""


def expressions() -> list[str]:
    """The expressions, one after another."""
    return [e.strip() for line in EXPRESSIONS.split("\n") for e in line.split("; ") if e.strip()]


def operands(torch, dtype) -> dict:
    """The names that the expressions use."""
    torch.manual_seed(0)
    own = {
        "x": torch.rand(4, 4), "y": torch.rand(4, 4), "v": torch.rand(4), "b": torch.rand(2, 4, 4),
        "i": torch.rand(1, 4, 6, 6), "c": torch.rand(1, 4, 4, 4, 4), "s": torch.rand(1, 4, 6),
        "p": torch.eye(4) + 0.1,
    }  # fmt: skip
    own = {name: value.to(dtype) for name, value in own.items()}
    return own | {
        "w": torch.rand(4, 4), "k": torch.tensor([0, 1, 2, 3]), "torch": torch,
        "F": torch.nn.functional, "nn": torch.nn,
    }  # fmt: skip


def outcome(torch, expression: str, dtype: str, of: str, device: str = "cpu") -> str:
    """The dtype of the result for operands of ``dtype`` inside autocast to ``of``, or the error."""
    names = operands(torch, getattr(torch, dtype))
    if device != "cpu":
        move = lambda v: v.to(device) if isinstance(v, torch.Tensor) else v  # noqa: E731
        names = {name: move(value) for name, value in names.items()}
    with torch.autocast(device, dtype=getattr(torch, of)):
        try:
            result = eval(expression, names)
        except Exception as error:
            return type(error).__name__
    return str(result.dtype).rpartition(".")[2]


def table(torch, device: str = "cpu") -> list[str]:
    """A line for each expression: the outcomes for all pairs of dtypes."""
    pairs = [(d, of) for of in ("bfloat16", "float16") for d in ("float32", of, "float64")]
    return [
        f"{e} | {' '.join(outcome(torch, e, *p, device) for p in pairs)}" for e in expressions()
    ]
