"""JAX: each step compiled by `jit`, and, as another side, a whole loop of steps compiled at once."""

import os

# One thread, as for the others; it has to be said before JAX starts.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
import jax
import jax.numpy as jnp

from benchmarks.steps import formulas
from benchmarks.steps.workloads import Attention, Import, Net, Side

jax.config.update("jax_enable_x64", True)  # float32 stays float32


def train(net, dtype, whole_loop=False):
    layers, X, y = jax.tree.map(jnp.asarray, net.arrays(dtype))
    state = [layers, *(jax.tree.map(jnp.zeros_like, layers) for _ in range(2)), jnp.asarray(0, dtype)]
    loss = jax.jit(lambda layers: formulas.loss(jnp, net, layers, X, y))

    def step(state):
        layers, m, v, t = state
        g, t = jax.grad(loss)(layers), t + 1
        moved = jax.tree.map(lambda *given: formulas.adam(jnp, net, *given, t), layers, g, m, v)
        return [*jax.tree.transpose(jax.tree.structure(layers), jax.tree.structure((0, 0, 0)), moved), t]

    one, many = jax.jit(step), jax.jit(lambda state, n: jax.lax.fori_loop(0, n, lambda _, state: step(state), state))

    def run(n):
        nonlocal state
        if whole_loop:
            state = many(state, n)
        else:
            for _ in range(n):
                state = one(state)
        jax.block_until_ready(state)

    return Side(run, lambda: float(loss(state[0])))


def attend(what, dtype):
    *weights, x, upstream = map(jnp.asarray, what.arrays(dtype))

    @jax.jit
    def both_ways(weights, x, upstream):
        y, vjp = jax.vjp(lambda weights, x: formulas.attention(jnp, what, weights, x), weights, x)
        return y, *vjp(upstream)

    def run(n):
        for _ in range(n):
            out = both_ways(weights, x, upstream)
        jax.block_until_ready(out)

    def result():
        y, _, dx = both_ways(weights, x, upstream)
        return jnp.stack([y, dx])

    return Side(run, result)


SIDES = {"JAX jit": {Net: train, Attention: attend, Import: "jax"},
         "JAX whole loop": {Net: lambda net, dtype: train(net, dtype, whole_loop=True)}}
