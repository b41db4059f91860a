"""Layers agree with PyTorch's from the same weights: values, gradients of inputs and parameters, and a trajectory."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnlab import MultiHeadAttention
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
