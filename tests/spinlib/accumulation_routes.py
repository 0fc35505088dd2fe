"""Spin accumulation by other means: a library's collocation, finite volumes, closed forms of layers, embedding.

The two laws are typed again, as dw/dx = -R j + e and dj/dx = -B w + s, with R = (1 + tau H x)/(D nu) and
B = nu (1/tau_sf + H x). With the force of the exchange field w = (m - m_eq)/nu; without it w = m/nu, and m_eq/tau_sf
joins s.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_bvp, solve_ivp
from scipy.linalg import sqrtm
from scipy.sparse import coo_array
from scipy.sparse.linalg import splu

from spinlib.accumulation import Boundary, DiffusiveMedium, Layer, SpinStructure
from spinlib.spin import cross_matrix, rotation_matrix, unit_vector

ONE = np.eye(3)


def field(value, u):
    """A constant or a callable field at distances ``(n,)``."""
    return np.asarray(value(u) if callable(value) else np.broadcast_to(value, (len(u), 3)), dtype=float)


@dataclass(frozen=True)
class Law:
    """R, e, B, s, m_eq and m - nu w at distances ``(n,)`` from the left face of a layer."""

    resistance: np.ndarray
    push: np.ndarray
    loss: np.ndarray
    feed: np.ndarray
    equilibrium: np.ndarray
    rest: np.ndarray


def law(structure, index, u):
    layer = structure.layers[index]
    medium, u = layer.medium, np.atleast_1d(u)
    omega, nu, d = medium.exchange_frequency, medium.density_of_states, medium.diffusivity
    M = field(layer.magnetization, u)
    H = omega * M + structure.larmor_frequency
    if callable(layer.equilibrium):
        m_eq = field(layer.equilibrium, u)
    elif layer.equilibrium is None:
        m_eq = H / abs(omega) if omega else 0 * H
    else:
        m_eq = layer.equilibrium * (H / omega if omega else M)
    turn, lost = cross_matrix(H), 1 / medium.spin_relaxation_time
    feed = field(layer.source, u)
    if not structure.exchange_force:
        feed = feed + lost * m_eq
    return Law(
        (ONE + medium.momentum_time * turn) / (d * nu),
        layer.drift * M / (d * nu),
        nu * (lost * ONE + turn),
        feed,
        m_eq,
        m_eq if structure.exchange_force else 0 * m_eq,
    )


def end_rows(structure, side):
    """P, Q, g of P w + Q j = g at one end that is not periodic."""
    index = 0 if side < 0 else len(structure.layers) - 1
    layer, end = structure.layers[index], structure.left if side < 0 else structure.right
    at = law(structure, index, 0.0 if side < 0 else layer.thickness)
    nu = layer.medium.density_of_states
    if end is None:
        return ONE, 0 * ONE, (at.equilibrium[0] - at.rest[0]) / nu
    if end.kind == "spin_accumulation":
        return ONE, 0 * ONE, (end.vector - at.rest[0]) / nu
    if end.kind == "spin_current":
        return 0 * ONE, ONE, end.vector
    if end.kind == "contact":
        return end.matrix, -side * ONE, end.matrix @ end.vector
    assert end.kind == "open"
    wave = sqrtm(at.resistance[0] @ at.loss[0]).real
    conductance = np.linalg.inv(at.resistance[0]) @ wave
    far, current = np.linalg.solve(at.loss[0], at.feed[0]), np.linalg.solve(at.resistance[0], at.push[0])
    return conductance, -side * ONE, conductance @ far - side * current


def periodic(structure):
    return isinstance(structure.left, Boundary) and structure.left.kind == "periodic"


def natural_current(structure):
    """Largest D nu |k|, the current that belongs to w = 1."""
    sizes = []
    for index, layer in enumerate(structure.layers):
        at = law(structure, index, np.linspace(0, layer.thickness, 9))
        loss, resistance = (np.abs(each).max() for each in (at.loss, at.resistance))
        sizes.append(np.sqrt(loss / resistance))
    return max(sizes)


def split(structure, positions):
    """Layer and distance from its left face of each position; an interface belongs to the layer on the right."""
    edges = structure.edges
    index = np.clip(np.searchsorted(edges, positions, side="right") - 1, 0, len(structure.layers) - 1)
    return index, np.asarray(positions) - edges[index]


def restore(structure, index, u, w, j):
    layer = structure.layers[index]
    return layer.medium.density_of_states * w + law(structure, index, u).rest, j


# --- scipy's collocation of order 4 -------------------------------------------------------------------------------


def by_solve_bvp(structure, tol=1e-12, start=400, max_nodes=60_000):
    """Return ``at`` of the boundary-value problem; all layers side by side on [0, 1]."""
    layers, c = structure.layers, natural_current(structure)
    count = len(layers)

    def matrix(xi):
        blocks = np.zeros((6 * count, 6 * count, len(xi)))
        given = np.zeros((6 * count, len(xi)))
        for k, layer in enumerate(layers):
            at, length, o = law(structure, k, xi * layer.thickness), layer.thickness, 6 * k
            blocks[o : o + 3, o + 3 : o + 6] = -length * c * np.moveaxis(at.resistance, 0, -1)
            blocks[o + 3 : o + 6, o : o + 3] = -length / c * np.moveaxis(at.loss, 0, -1)
            given[o : o + 3], given[o + 3 : o + 6] = length * at.push.T, length / c * at.feed.T
        return blocks, given

    def rate(xi, y):
        blocks, given = matrix(xi)
        return np.einsum("ijn,jn->in", blocks, y) + given

    size = 6 * count
    at_left, at_right, goal = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
    for k in range(count - 1):
        rows = slice(6 * k, 6 * k + 6)
        at_right[rows, rows] = np.eye(6)
        at_left[rows, 6 * k + 6 : 6 * k + 12] = -np.eye(6)
    rows = slice(size - 6, size)
    if periodic(structure):
        turn = np.kron(np.eye(2), structure.left.matrix)
        at_left[rows, :6], at_right[rows, rows] = -turn, np.eye(6)
    else:
        for side, ends, columns, first in ((-1, at_left, 0, size - 6), (1, at_right, size - 6, size - 3)):
            P, Q, g = end_rows(structure, side)
            weight = 1 / max(np.abs(P).max(), np.abs(Q).max() * c)
            ends[first : first + 3, columns : columns + 3] = weight * P
            ends[first : first + 3, columns + 3 : columns + 6] = weight * c * Q
            goal[first : first + 3] = weight * g

    xi = np.linspace(0, 1, start)
    found = solve_bvp(
        rate,
        lambda a, b: at_left @ a + at_right @ b - goal,
        xi,
        np.zeros((size, start)),
        fun_jac=lambda x, y: matrix(x)[0],
        bc_jac=lambda a, b: (at_left, at_right),
        tol=tol,
        bc_tol=1e-13,
        max_nodes=max_nodes,
    )
    assert found.status == 0, found.message

    def at(positions):
        m, j = np.empty((len(positions), 3)), np.empty((len(positions), 3))
        index, u = split(structure, positions)
        for i, (k, distance) in enumerate(zip(index, u, strict=True)):
            y = found.sol(distance / layers[k].thickness)[6 * k : 6 * k + 6]
            (m[i],), j[i] = restore(structure, k, distance, y[None, :3], c * y[3:])
        return m, j

    return at


# --- conservative finite volumes of order 2 -----------------------------------------------------------------------


@dataclass(frozen=True)
class Volumes:
    """Centres of the cells and m there, currents at the faces, and the rate of loss in each cell."""

    x: np.ndarray
    m: np.ndarray
    j: np.ndarray
    lost: np.ndarray


def by_finite_volumes(structure, cells):
    """Return the solution on ``cells`` equal cells in each layer.

    A face joins two half cells, whose resistances add: what is averaged is A, never D.
    """
    lengths, centres, loss, feed, rest, halves, pushes, nus = [], [], [], [], [], [], [], []
    for k, layer in enumerate(structure.layers):
        h = layer.thickness / cells
        middle = h * (np.arange(cells) + 0.5)
        at = law(structure, k, middle)
        lengths.append(np.full(cells, h))
        centres.append(structure.edges[k] + middle)
        loss.append(h * at.loss)
        feed.append(h * at.feed)
        rest.append(at.rest)
        nus.append(np.full(cells, layer.medium.density_of_states))
        sides = [law(structure, k, middle + shift * h) for shift in (-0.25, 0.25)]
        halves.append(np.stack([h / 2 * each.resistance for each in sides], axis=1))
        pushes.append(np.stack([h / 2 * each.push for each in sides], axis=1))
    loss, feed, rest, nu, x, halves, pushes = map(np.concatenate, (loss, feed, rest, nus, centres, halves, pushes))
    n, c = len(x), natural_current(structure)
    faces, push = np.zeros((n + 1, 3, 3)), np.zeros((n + 1, 3))
    for side in (0, 1):
        faces[side : n + side] += halves[:, side]
        push[side : n + side] += pushes[:, side]
    # Unknowns and equations in blocks: w_left, j_0, w_0, j_1, ..., j_n, w_right; j in units of c.
    rows, columns, entries = [], [], []

    def add(row, column, block):
        block = np.broadcast_to(block, (len(row), 3, 3))
        three = np.arange(3)
        rows.append((3 * row[:, None, None] + three[:, None] + 0 * three).ravel())
        columns.append((3 * column[:, None, None] + 0 * three[:, None] + three).ravel())
        entries.append(block.ravel())

    f, i = np.arange(n + 1), np.arange(n)
    add(2 * f + 1, 2 * f + 1, c * faces)
    add(2 * f + 1, 2 * f + 2, ONE)
    add(2 * f + 1, 2 * f, -ONE)
    add(2 * i + 2, 2 * i + 3, ONE)
    add(2 * i + 2, 2 * i + 1, -ONE)
    add(2 * i + 2, 2 * i + 2, loss / c)
    last, right = 2 * n + 2, np.zeros((2 * n + 3, 3))
    right[1::2], right[2:-1:2] = push, feed / c
    if periodic(structure):
        turn = structure.left.matrix
        for row, near, far in ((0, 0, last), (last, 1, last - 1)):
            add(np.array([row]), np.array([far]), ONE)
            add(np.array([row]), np.array([near]), -turn)
    else:
        for side, row, current in ((-1, 0, 1), (1, last, last - 1)):
            P, Q, g = end_rows(structure, side)
            weight = 1 / max(np.abs(P).max(), np.abs(Q).max() * c)
            add(np.array([row]), np.array([row]), weight * P)
            add(np.array([row]), np.array([current]), weight * c * Q)
            right[row] = weight * g
    size = 3 * (2 * n + 3)
    parts = (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))
    y = splu(coo_array(parts, shape=(size, size)).tocsc()).solve(right.ravel()).reshape(-1, 3)
    w, j = y[2:-1:2], c * y[1::2]
    lost = np.einsum("nij,nj->ni", loss, w) - feed
    return Volumes(x, nu[:, None] * w + rest, j, lost)


# --- closed forms where H is constant in each layer ---------------------------------------------------------------


def by_sinh(structure):
    """Return ``at`` for layers in which nothing varies: every function of H x by its eigenvectors."""
    n = len(structure.layers)
    modes, system, goal = [], np.zeros((3 * n + 3, 3 * n + 3)), np.zeros(3 * n + 3)
    for k, layer in enumerate(structure.layers):
        medium, here = layer.medium, law(structure, k, 0.0)
        d, nu, tau = medium.diffusivity, medium.density_of_states, medium.momentum_time
        lost = 1 / medium.spin_relaxation_time
        turn = here.loss[0] / nu - lost * ONE
        rates, vectors = np.linalg.eig(turn.astype(complex))
        rates = np.where(np.abs(rates) < 1e-9 * np.abs(turn).max(), 0, rates)
        flight = 1 + tau * rates
        wave, back = np.sqrt(flight * (lost + rates) / d), np.linalg.inv(vectors)
        feed = back @ here.feed[0]
        # No source where nothing relaxes: none of the tests has one.
        far = np.divide(feed, nu * (lost + rates), out=np.zeros(3, complex), where=np.abs(lost + rates) > 0)
        drive = d * nu * (back @ here.push[0]) / flight
        modes.append((wave, vectors, back, far, d * nu / flight, drive, layer.thickness))

    def shapes(k, u):
        """(s_0, s_1) and their derivatives, ``(3,)`` each: s_0 falls from 1 to 0, s_1 rises."""
        wave, length = modes[k][0], modes[k][-1]
        still = np.abs(wave) * length < 1e-12
        q = np.where(still, 1.0, wave)
        whole = -np.expm1(-2 * q * length)
        found = []
        for near, sign in ((u, -1), (length - u, 1)):
            rest = length - near
            value = -np.exp(-q * near) * np.expm1(-2 * q * rest) / whole
            slope = sign * q * np.exp(-q * near) * (1 + np.exp(-2 * q * rest)) / whole
            found += [np.where(still, rest / length, value), np.where(still, sign / length, slope)]
        return found

    def current(k, u):
        """Matrices of j for w at both faces, and its rest."""
        _, vectors, back, far, conductance, drive, _ = modes[k]
        _, d0, _, d1 = shapes(k, u)
        first = (vectors * (-conductance * d0)) @ back
        second = (vectors * (-conductance * d1)) @ back
        rest = vectors @ (drive + conductance * (d0 + d1) * far)
        return first.real, second.real, rest.real

    for k in range(n - 1):
        rows, length = slice(3 * k + 3, 3 * k + 6), structure.layers[k].thickness
        a, b, r = current(k, length)
        c, d, s = current(k + 1, 0.0)
        system[rows, 3 * k : 3 * k + 3] += a
        system[rows, 3 * k + 3 : 3 * k + 6] += b - c
        system[rows, 3 * k + 6 : 3 * k + 9] -= d
        goal[rows] = s - r
    a, b, r = current(0, 0.0)
    c, d, s = current(n - 1, structure.layers[-1].thickness)
    size = natural_current(structure)
    if periodic(structure):
        turn = structure.left.matrix
        system[:3, :3], system[:3, -3:] = -turn * size, ONE * size
        system[-3:, -6:-3] += c
        system[-3:, -3:] += d
        system[-3:, :3] -= turn @ a
        system[-3:, 3:6] -= turn @ b
        goal[-3:] = turn @ r - s
    else:
        P, Q, g = end_rows(structure, -1)
        system[:3, :3] = P + Q @ a
        system[:3, 3:6] = Q @ b
        goal[:3] = g - Q @ r
        P, Q, g = end_rows(structure, 1)
        system[-3:, -3:] = P + Q @ d
        system[-3:, -6:-3] = Q @ c
        goal[-3:] = g - Q @ s
    weight = np.abs(system).max(axis=1)
    faces = np.linalg.solve(system / weight[:, None], goal / weight).reshape(-1, 3)

    def at(positions):
        m, j = np.empty((len(positions), 3)), np.empty((len(positions), 3))
        index, u = split(structure, positions)
        for i, (k, distance) in enumerate(zip(index, u, strict=True)):
            _, vectors, back, far, *_ = modes[k]
            s0, _, s1, _ = shapes(k, distance)
            w = vectors @ (far + s0 * (back @ faces[k] - far) + s1 * (back @ faces[k + 1] - far))
            first, second, rest = current(k, distance)
            now = first @ faces[k] + second @ faces[k + 1] + rest
            (m[i],), j[i] = restore(structure, k, distance, w.real[None], now)
        return m, j

    return at


# --- invariant embedding, for layers in which anything varies -----------------------------------------------------


def by_embedding(structure, positions, rtol=3e-13):
    """Return (m, j) at increasing positions for ends that are None, spin_accumulation, contact or open.

    What lies to one side of x is seen from there as w = Z j + v, with Z' = -R + Z B Z and v' = e + Z (B v - s): the
    symmetric part of Z has one sign, so nothing grows. Order 8 of Dormand and Prince.
    """
    c = natural_current(structure)
    index, u = split(structure, positions)

    def start(side):
        P, Q, g = end_rows(structure, side)
        back = np.linalg.inv(P)
        return np.concatenate([(-c * back @ Q).ravel(), back @ g])

    def rate(k):
        layer, still = structure.layers[k], law(structure, k, 0.0)
        medium, lost = layer.medium, 1 / layer.medium.spin_relaxation_time
        omega, drift = medium.exchange_frequency, layer.drift / (medium.diffusivity * medium.density_of_states)
        scale = c / (medium.diffusivity * medium.density_of_states)
        plain = layer.equilibrium is None and omega and not callable(layer.source)
        larmor, n = structure.larmor_frequency, medium.density_of_states / c
        one = ONE.copy()

        def right(x, y):
            Z, v = y[:9].reshape(3, 3), y[9:]
            M = layer.magnetization(np.array([x]))[0] if callable(layer.magnetization) else layer.magnetization
            h1, h2, h3 = omega * M + larmor
            turn = np.array([[0.0, -h3, h2], [h3, 0.0, -h1], [-h2, h1, 0.0]])
            if not plain:
                feed = law(structure, k, x).feed[0]
            elif structure.exchange_force:
                feed = still.feed[0]
            else:
                feed = layer.source + lost / abs(omega) * np.array([h1, h2, h3])
            ZB = n * (lost * Z + Z @ turn)
            return np.concatenate(
                [
                    (ZB @ Z - scale * (one + medium.momentum_time * turn)).ravel(),
                    drift * M + ZB @ v - Z @ feed / c,
                ]
            )

        return right

    seen = []
    for side in (-1, 1):
        y, found = start(side), np.empty((len(positions), 12))
        order = range(len(structure.layers))
        for k in order if side < 0 else order[::-1]:
            length, mine = structure.layers[k].thickness, np.flatnonzero(index == k)
            span = (0.0, length) if side < 0 else (length, 0.0)
            stops = u[mine] if side < 0 else u[mine][::-1]
            run = solve_ivp(
                rate(k),
                span,
                y,
                method="DOP853",
                t_eval=np.unique([*stops, span[1]])[::-side],
                rtol=rtol,
                atol=rtol,
                first_step=1e-4 * length,
            )
            assert run.success
            for i in mine:
                found[i] = run.y[:, np.argmin(np.abs(run.t - u[i]))]
            y = run.y[:, -1]
        seen.append(found)
    m, j = np.empty((len(positions), 3)), np.empty((len(positions), 3))
    for i, k in enumerate(index):
        (Z, v), (Y, z) = ((each[i, :9].reshape(3, 3), each[i, 9:]) for each in seen)
        now = np.linalg.solve(Z - Y, z - v)
        (m[i],), j[i] = restore(structure, k, u[i], (Z @ now + v)[None], c * now)
    return m, j


# --- a helix -------------------------------------------------------------------------------------------------------


def helix(structure, q):
    """Return (m, j) at x = 0 of M = R_x(q x) M(0) for ever: in a frame that turns along, both are constant."""
    at, X = law(structure, 0, 0.0), q * cross_matrix((1.0, 0.0, 0.0))
    system = np.block([[X, at.resistance[0]], [at.loss[0], X]])
    y = np.linalg.solve(system, np.concatenate([at.push[0], at.feed[0]]))
    m, j = restore(structure, 0, 0.0, y[None, :3], y[3:])
    return m[0], j


# --- structures by chance, and the same ones seen otherwise -------------------------------------------------------


def random_structure(rng, *, smooth=False, ends=None, force=None, relaxing=True):
    """One to three layers of 3 to 15 nm with decay lengths of the same order, in which everything differs."""
    layers = []
    for _ in range(rng.integers(1, 4)):
        tau_sf = 10 ** rng.uniform(-13.5, -12) if relaxing else np.inf
        tau = rng.choice([0.0, rng.uniform(0.05, 1.0)]) * min(tau_sf, 3e-14)
        splitting = rng.choice([-1, 1, 1]) * 10 ** rng.uniform(-22, -20.3)
        medium = DiffusiveMedium(10 ** rng.uniform(-3.5, -2.5), tau_sf, tau, splitting, rng.uniform(0.4, 2.0))
        scale, thickness = medium.diffusivity / 5e-9, rng.uniform(3e-9, 15e-9)
        M, source = unit_vector(rng.normal(size=3)) * rng.uniform(0.3, 1), rng.normal(size=3) * 1e12
        if not relaxing:
            source = np.zeros(3)
        if smooth:
            axis, angle, phase = rng.normal(size=3), rng.uniform(-3, 3), rng.uniform(0, 3)

            def turning(u, axis=axis, angle=angle, phase=phase, thickness=thickness, M=M):
                return rotation_matrix(axis, angle * np.sin(2 * u / thickness + phase)) @ M

            def feeding(u, thickness=thickness, source=source):
                return np.exp(-u / thickness)[:, None] * source

            M, source = turning, feeding
        share = rng.choice([None, rng.uniform(-1, 1)])
        layers.append(Layer(medium, thickness, M, share, scale * rng.normal(), source))
    vectors, size = rng.normal(size=(2, 3)), medium.diffusivity / 5e-9
    if ends is None:
        ends = rng.choice(["spin_accumulation", "spin_current", "contact", "open", "none"], 2)
    if "periodic" in ends:
        left = right = Boundary.periodic(rotation_matrix(vectors[0], rng.uniform(0, 3)))
    else:
        left, right = (random_end(kind, vector, size, rng) for kind, vector in zip(ends, vectors, strict=True))
    force = bool(rng.integers(2)) if force is None else force
    return SpinStructure(layers, left, right, rng.normal(size=3) * 1e13, rng.normal() * 1e-8, force)


def random_end(kind, vector, size, rng):
    if kind == "none":
        return None
    if kind == "open":
        return Boundary.open()
    if kind == "contact":
        root = rng.normal(size=(3, 3))
        return Boundary.contact(size * (root @ root.T + 0.3 * ONE + cross_matrix(rng.normal(size=3))), vector)
    if kind == "spin_current":
        return Boundary.spin_current(size * vector)
    return Boundary.spin_accumulation(vector)


def changed(structure, of_layer, of_end, **others):
    """A structure whose layers and ends are changed by functions."""
    layers = [of_layer(layer) for layer in structure.layers]
    return replace(structure, layers=layers, left=of_end(structure.left), right=of_end(structure.right), **others)


def mapped(value, function, place=lambda u: u):
    """A field, turned by a function and read at another place."""
    if callable(value):
        return lambda u: function(value(place(u)))
    return value if value is None or np.ndim(value) == 0 else function(np.asarray(value))


def turned(structure, R):
    """All vectors turned by R."""

    def turn(v):
        return v @ R.T

    def of_layer(layer):
        new = {name: mapped(getattr(layer, name), turn) for name in ("magnetization", "equilibrium", "source")}
        return replace(layer, **new)

    def of_end(end):
        if end is None:
            return None
        vector = None if end.vector is None else turn(end.vector)
        matrix = None if end.matrix is None else R @ end.matrix @ R.T
        return Boundary(end.kind, vector, matrix)

    return changed(structure, of_layer, of_end, larmor_frequency=turn(structure.larmor_frequency))


def mirrored(structure):
    """Seen from behind: x becomes -x and every current changes its sign."""

    def of_layer(layer):
        names, length = ("magnetization", "equilibrium", "source"), layer.thickness
        new = {name: mapped(getattr(layer, name), lambda v: v, lambda u: length - u) for name in names}
        return replace(layer, drift=-layer.drift, **new)

    def of_end(end):
        if end is None or end.kind in ("spin_accumulation", "contact", "open"):
            return end
        if end.kind == "spin_current":
            return Boundary.spin_current(-end.vector)
        return Boundary.periodic(end.matrix.T)

    new = changed(structure, of_layer, of_end, origin=-structure.edges[-1])
    return replace(new, layers=new.layers[::-1], left=new.right, right=new.left)


def inner_points(structure, rng, count=5):
    """Places inside every layer, none at an edge."""
    thick = [layer.thickness for layer in structure.layers]
    found = [
        edge + t * np.sort(rng.uniform(0.02, 0.98, count)) for edge, t in zip(structure.edges, thick, strict=False)
    ]
    return np.concatenate(found)


def integrals(structure, integrand, panels=60):
    """Integral of a function of the layer, the distance and x over each layer: Gauss's rule of 6 points in panels."""
    nodes, weights = np.polynomial.legendre.leggauss(6)
    totals = []
    for k, layer in enumerate(structure.layers):
        h = layer.thickness / panels
        u = (h * (np.arange(panels)[:, None] + (nodes + 1) / 2)).ravel()
        values = integrand(k, u, structure.edges[k] + u)
        totals.append(np.tensordot(np.tile(weights * h / 2, panels), values, axes=(0, 0)))
    return np.array(totals)
