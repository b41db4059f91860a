"""Layers agree with PyTorch's from the same weights: values, gradients of inputs and parameters, and a trajectory."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnlab import Adam, BatchNorm1d, MultiHeadAttention, TransformerBlock
from nnlab import functional as F
from tests.needs import needs
from tests.oracle.agreement import assert_agree, close

torch = needs("torch")
pytestmark = pytest.mark.oracle
T = torch.nn.functional
rng = np.random.default_rng(0)


def draw(*shapes, size=1.0):
    return [size * rng.standard_normal(shape) for shape in shapes]


# Attention -----------------------------------------------------------------------------------------------------------
@given(lead=st.lists(st.integers(1, 4), max_size=2), T_q=st.integers(1, 6), T_k=st.integers(1, 6),
       d=st.integers(1, 5), d_v=st.integers(1, 5), causal=st.booleans(), masked=st.booleans(), seed=st.integers(0, 99))
@example(lead=[5, 3], T_q=4, T_k=2, d=3, d_v=1, causal=True, masked=True, seed=0)
def test_scaled_dot_product_attention(lead, T_q, T_k, d, d_v, causal, masked, seed):
    r = np.random.default_rng(seed)
    arrays = [2 * r.standard_normal((*lead, *s)) for s in ((T_q, d), (T_k, d), (T_k, d_v))]
    mask = r.random((*lead, T_q, T_k)) < 0.7 if masked else None
    allowed = np.ones((T_q, T_k), bool) if mask is None else mask
    allowed = allowed & np.tri(T_q, T_k, dtype=bool) if causal else allowed
    assert_agree(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, mask, causal),
                 lambda q, k, v: T.scaled_dot_product_attention(q, k, v, torch.tensor(allowed)), arrays)


@pytest.mark.parametrize("size", [1.0, 30.0])  # scores small, and so large that the largest must be subtracted
def test_causal_attention_as_pytorch_means_it(size):
    assert_agree(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, causal=True),
                 lambda q, k, v: T.scaled_dot_product_attention(q, k, v, is_causal=True),
                 draw((5, 3, 4, 2), (5, 3, 6, 2), (5, 3, 6, 7), size=size))


def copy_attention(layer, peer):
    """Give PyTorch's layer our weights; its weight is (out, in), and query, key and value lie in one."""
    parts = layer.query, layer.key, layer.value
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.tensor(np.concatenate([p.weight.data.T for p in parts])))
        peer.out_proj.weight.copy_(torch.tensor(layer.out.weight.data.T))
        if layer.out.bias is not None:
            peer.in_proj_bias.copy_(torch.tensor(np.concatenate([p.bias.data for p in parts])))
            peer.out_proj.bias.copy_(torch.tensor(layer.out.bias.data))


def attention_gradients(layer, peer):
    """(ours, PyTorch's) gradients of the parameters, laid out as PyTorch's."""
    parts = layer.query, layer.key, layer.value
    pairs = [(np.concatenate([p.weight.grad.T for p in parts]), peer.in_proj_weight),
             (layer.out.weight.grad.T, peer.out_proj.weight)]
    if layer.out.bias is not None:
        pairs += [(np.concatenate([p.bias.grad for p in parts]), peer.in_proj_bias),
                  (layer.out.bias.grad, peer.out_proj.bias)]
    return [(a, b.grad.numpy()) for a, b in pairs]


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("kind", ["self", "cross", "no bias", "padding", "causal", "causal and padding", "pairs"])
def test_multi_head_attention(heads, kind):
    layer = MultiHeadAttention(6, heads, bias=kind != "no bias", dtype=np.float64, rng=0)
    for p in layer.parameters():
        p.data = rng.standard_normal(p.shape)
    peer = torch.nn.MultiheadAttention(6, heads, bias=kind != "no bias", batch_first=True, dtype=torch.float64)
    copy_attention(layer, peer)
    x, context = draw((5, 4, 6), (5, 7, 6))
    causal = "causal" in kind
    padding = rng.random((5, 4)) < 0.6
    padding[:, 0] = True  # PyTorch gives nan where a query may look nowhere
    pairs = rng.random((5, 4, 4)) < 0.5
    pairs[..., 1] = True
    mask = padding if "padding" in kind else pairs if kind == "pairs" else None
    future = np.triu(np.ones((4, 4), bool), 1)
    forbidden = ~np.repeat(pairs, heads, 0) if kind == "pairs" else future if causal else None
    weights = []

    def ours(*inputs):
        out, w = layer(*inputs, mask=mask, causal=causal, return_weights=True)
        weights.append(w)
        return out

    def theirs(x, context=None):
        memory = x if context is None else context
        out, w = peer(x, memory, memory, key_padding_mask=torch.tensor(~padding) if "padding" in kind else None,
                      attn_mask=None if forbidden is None else torch.tensor(forbidden), average_attn_weights=False)
        weights.append(w.detach().numpy())
        return out

    assert_agree(ours, theirs, [x, context] if kind == "cross" else [x])
    close(*weights)
    for mine, other in attention_gradients(layer, peer):
        close(mine, other, 1e3)


def test_embedding():
    places = rng.integers(7, size=(5, 3, 4))
    assert_agree(lambda W: F.embedding(places, W), lambda W: T.embedding(torch.tensor(places), W), draw((7, 2)))


# Normalisation -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(7, 3), (5, 4, 2, 3), (3,), (1, 3), (0, 3)], ids=str)
@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_layer_norm(shape, eps):
    assert_agree(lambda x, w, b: F.layer_norm(x, w, b, eps), lambda x, w, b: T.layer_norm(x, (3,), w, b, eps),
                 draw(shape, (3,), (3,), size=2.0))


@pytest.mark.parametrize("shape", [(7, 3), (5, 3, 4), (2, 3), (1, 3, 2)], ids=str)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("momentum", "eps"), [(0.1, 1e-5), (0.4, 0.3)])
def test_batch_norm(shape, training, momentum, eps):
    running = [rng.standard_normal(3), rng.random(3) + 0.5]
    ours, theirs = [r.copy() for r in running], [torch.tensor(r) for r in running]
    assert_agree(lambda x, w, b: F.batch_norm(x, *ours, w, b, training, momentum, eps),
                 lambda x, w, b: T.batch_norm(x, *theirs, w, b, training, momentum, eps), draw(shape, (3,), (3,)))
    for mine, other, before in zip(ours, theirs, running):
        close(mine, other.numpy())
        assert (mine != before).all() if training else (mine == before).all()


def test_the_batch_norm_layer_remembers_as_pytorchs():
    layer, peer = BatchNorm1d(3, dtype=np.float64), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    for x in draw((5, 3), (4, 3, 2), (2, 3), size=3.0):
        close(layer(x).data, peer(torch.tensor(x)).detach().numpy())
    close(layer.running_mean.data, peer.running_mean.numpy())
    close(layer.running_var.data, peer.running_var.numpy())
    x = draw((1, 3))[0]
    close(layer.eval()(x).data, peer.eval()(torch.tensor(x)).detach().numpy())


# The transformer block -----------------------------------------------------------------------------------------------
def block_and_peer(norm_first, causal=False, activation="relu"):
    """Our block and PyTorch's, of the same weights, all of them drawn; and the gradients of both, side by side."""
    ours = TransformerBlock(6, 2, 7, causal=causal, norm_first=norm_first, activation=activation, dtype=np.float64,
                            rng=0)
    peer = torch.nn.TransformerEncoderLayer(6, 2, 7, dropout=0.0, norm_first=norm_first, batch_first=True,
                                            activation=activation, dtype=torch.float64)
    for p in ours.parameters():
        p.data = p.data + 0.3 * rng.standard_normal(p.shape)
    copy_attention(ours.attention, peer.self_attn)
    layers = [(ours.mlp.layers[0], peer.linear1), (ours.mlp.layers[1], peer.linear2), (ours.norm1, peer.norm1),
              (ours.norm2, peer.norm2)]
    with torch.no_grad():
        for mine, other in layers:
            other.weight.copy_(torch.tensor(mine.weight.data.T))
            other.bias.copy_(torch.tensor(mine.bias.data))

    def gradients():
        pairs = [(m.grad.T, o.grad.numpy()) for a, b in layers for m, o in ((a.weight, b.weight), (a.bias, b.bias))]
        return pairs + attention_gradients(ours.attention, peer.self_attn)

    return ours, peer, gradients


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("kind", ["plain", "causal", "padding"])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_the_transformer_block(norm_first, kind, mode):
    ours, peer, gradients = block_and_peer(norm_first, kind == "causal")
    getattr(ours, mode)(), getattr(peer, mode)()
    padding = rng.random((5, 4)) < 0.6
    padding[:, 2] = True
    mask = padding if kind == "padding" else None
    hidden = None if mask is None else torch.tensor(~padding)
    future = torch.tensor(np.triu(np.ones((4, 4), bool), 1)) if kind == "causal" else None
    assert_agree(lambda x: ours(x, mask), lambda x: peer(x, future, hidden), draw((5, 4, 6)))
    for mine, other in gradients():
        close(mine, other, 1e3)


@pytest.mark.parametrize("norm_first", [True, False])
def test_two_hundred_steps_of_a_causal_transformer_block_end_at_the_same_weights(norm_first):
    ours, peer, _ = block_and_peer(norm_first, causal=True)
    x, target = draw((3, 4, 6), (3, 4, 6))
    future = torch.tensor(np.triu(np.ones((4, 4), bool), 1))
    mine, other = Adam(ours.parameters(), lr=0.003), torch.optim.Adam(peer.parameters(), lr=0.003)
    losses = []
    for _ in range(200):
        mine.zero_grad(), other.zero_grad()
        loss, twin = F.mse_loss(ours(x), target), T.mse_loss(peer(torch.tensor(x), future), torch.tensor(target))
        loss.backward(), twin.backward()
        mine.step(), other.step()
        losses.append((loss.item(), twin.item()))
    first, last = losses[0], losses[-1]
    assert last[0] < 0.7 * first[0]
    np.testing.assert_allclose(*np.transpose(losses), rtol=1e-8)
    for layer, twin in zip([*ours.mlp.layers, ours.norm1], [peer.linear1, peer.linear2, peer.norm1]):
        np.testing.assert_allclose(layer.weight.data.T, twin.weight.detach().numpy(), rtol=1e-8, atol=1e-8)
