"""Stacks of n-channel layers by routes that share nothing with ``spinlib.diffusion`` but the data of its arguments.

``network`` solves the raw equations J_i = -sigma_i V_i', J_i' = -sum_j G_ij (V_i - V_j), V = mu/e, to a hundred digits:
a thin slice is a two-port by the power series of cosh and sinh, a layer follows by doubling it, a stack by eliminating
node after node. No modes are diagonalised, no asymptote is subtracted, nothing is scaled: the digits pay for it.
``collocation`` hands the same equations, all layers side by side on [0, 1], to SciPy's ``solve_bvp``. ``resistors``
builds Kirchhoff's network of a stack between reservoirs, with an error of second order in the spacing.
"""

from dataclasses import dataclass, field
from decimal import Decimal, getcontext, localcontext
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_bvp
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from spinlib.diffusion import Interface, Layer, Medium

DIGITS = 120  # the worst stacks lose some forty of them
CHARGE = 1.602176634e-19  # C, exact

# --- matrices of decimals ---------------------------------------------------------------------------------------------


def exact(values):
    """Floats, digit by digit, as an array of decimals."""
    array = np.asarray(values, dtype=float)
    return np.array([Decimal(value) for value in array.ravel().tolist()], dtype=object).reshape(array.shape)


def zeros(*shape):
    return np.full(shape, Decimal(0), dtype=object)


def eye(n):
    return exact(np.eye(n))


def solve(matrix, right):
    """Gauss's elimination with row pivots."""
    a, n = np.concatenate([matrix, right], axis=1), len(matrix)
    for k in range(n):
        pivot = k + max(range(n - k), key=lambda i, k=k: abs(a[k + i, k]))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
        a[k, k:] = a[k, k:] / a[k, k]
        for i in range(n):
            if i != k and a[i, k]:
                a[i, k:] = a[i, k:] - a[i, k] * a[k, k:]
    return a[:, n:]


def largest(matrix):
    return max((abs(value) for value in matrix.ravel()), default=Decimal(0))


def tiny():
    """Half the digits: far below any double, far above what is lost."""
    return Decimal(10) ** (-getcontext().prec // 2)


# --- two-ports --------------------------------------------------------------------------------------------------------


def laplacian(relaxation):
    """Leaks out of each channel, G_i = sum_j G_ij, on the diagonal."""
    return np.diag(relaxation.sum(axis=1)) - relaxation


def thin(conductivity, relaxation, rough):
    """Halve ``rough`` until the power series masters it: own, transfer (S/m^2), thickness, number of halvings."""
    sigma, n = np.diag(conductivity), len(conductivity)
    rate = solve(sigma, laplacian(relaxation))
    bound = 2 * largest(np.diag(rate))  # Gershgorin: no mode decays faster than its root
    halvings, h = 0, rough
    while bound * h * h > Decimal("0.1"):
        h, halvings = h / 2, halvings + 1
    cosh, sinh, term, k = eye(n), eye(n), eye(n), 0
    while largest(term) > Decimal(10) ** -getcontext().prec:
        k += 2
        term = term.dot(rate) * (h * h / (k * (k - 1)))
        cosh, sinh = cosh + term, sinh + term / (k + 1)
    transfer = sigma.dot(solve(sinh, eye(n))) / h
    return transfer.dot(cosh), transfer, h, halvings


def doubled(own, transfer):
    """Two equal slabs in a row, the node between them eliminated."""
    through = transfer.dot(solve(own + own, transfer))
    return own - through, through


def slab(conductivity, relaxation, thickness):
    """J_left = own V_left - transfer V_right and J_right = transfer V_left - own V_right."""
    own, transfer, _, halvings = thin(conductivity, relaxation, thickness)
    for _ in range(halvings):
        own, transfer = doubled(own, transfer)
    return own, transfer


def lead(conductivity, relaxation):
    """J = Y (V - asymptote) + common current into an infinite lead; Y (1, ..., 1) = 0."""
    common = np.outer(conductivity, conductivity) / conductivity.sum()
    fastest = (2 * max(laplacian(relaxation).diagonal() / conductivity)).sqrt()
    own, transfer, h, _ = thin(conductivity, relaxation, 1 / fastest if fastest else Decimal(1))
    found, last = own - common / h, None
    while last is None or largest(found - last) > largest(own) * tiny():
        own, transfer = doubled(own, transfer)
        h, last = 2 * h, found
        found = own - common / h
    return found


# --- the stack as a chain ---------------------------------------------------------------------------------------------


@dataclass
class Element:
    """A slab of a layer or an interface: a two-port on the channels ``slab``, resistors on the channels ``wires``.

    Channels ``left`` and ``right`` carry current there; those that the element does not join end at it.
    """

    place: tuple[str, int]
    left: list
    right: list
    slab: list
    conductivity: np.ndarray = field(default_factory=lambda: zeros(0))
    relaxation: np.ndarray = field(default_factory=lambda: zeros(0, 0))
    thickness: Decimal = Decimal(0)
    wires: dict = field(default_factory=dict)

    def ports(self, factor=Decimal(1), known=None):
        """Own and transfer conductances, the relaxation multiplied by ``factor``."""
        if not self.slab:
            return zeros(0, 0), zeros(0, 0)
        key = (tuple(self.conductivity), tuple(self.relaxation.ravel()), self.thickness, factor)
        known = {} if known is None else known
        if key not in known:
            known[key] = slab(self.conductivity, self.relaxation * factor, self.thickness)
        return known[key]


@dataclass
class Sheet:
    """A layer, or an interface with relaxation, which the contract calls a layer of no thickness."""

    place: tuple[str, int]
    active: np.ndarray
    relaxation: np.ndarray
    item: object


def sheets_of(layers, interfaces):
    """The sheets from left to right and the contact resistances between them."""
    n = len(layers[0].medium.conductivity)
    sheets, contacts = [], []
    for k, layer in enumerate(layers):
        sheets.append(Sheet(("layer", k), layer.medium.conductivity > 0, layer.medium.relaxation, layer))
        if k == len(layers) - 1:
            break
        face = interfaces[k]
        if face is None or face.relaxation is None:
            contacts.append((k, np.zeros(n) if face is None else face.resistance))
        else:
            sheets.append(Sheet(("interface", k), np.isfinite(face.resistance), face.relaxation, face))
            contacts += [(k, np.zeros(n))] * 2
    return sheets, contacts


def live_channels(sheets, contacts):
    """The channels of each sheet that conduct and have a path to an end, by growing from the ends."""
    links = []
    for s, sheet in enumerate(sheets):
        links += [((s, i), (s, j)) for i, j in np.argwhere(np.asarray(sheet.relaxation) > 0)]
    for s, (_, resistance) in enumerate(contacts):
        links += [((s, i), (s + 1, i)) for i in np.flatnonzero(np.isfinite(resistance))]
    links = [(a, b) for a, b in links if sheets[a[0]].active[a[1]] and sheets[b[0]].active[b[1]]]
    reached, grown = {(s, i) for s in (0, len(sheets) - 1) for i in np.flatnonzero(sheets[s].active)}, -1
    while grown != len(reached):
        grown = len(reached)
        for a, b in [*links, *((b, a) for a, b in links)]:
            if a in reached:
                reached.add(b)
    return [[int(i) for i in np.flatnonzero(sheet.active) if (s, i) in reached] for s, sheet in enumerate(sheets)]


def contact_sheet(sheet, live):
    """The element of an interface with relaxation, of thickness 1; channels that do not relax are wires."""
    resistance = exact(sheet.item.resistance)
    inside = [i for i in live if sheet.relaxation[i].any()]
    g = exact(sheet.relaxation)[np.ix_(inside, inside)]
    wires = {i: resistance[i] for i in live if i not in inside}
    return Element(sheet.place, live, live, inside, 1 / resistance[inside], g, Decimal(1), wires)


def chain_of(layers, interfaces, inside):
    """Elements from left to right, the node number of each sampled ``(layer, offset)``, and the depth of the cuts."""
    sheets, contacts = sheets_of(layers, interfaces)
    alive = live_channels(sheets, contacts)
    chain, nodes, depth, live = [], {}, {}, []
    for s, sheet in enumerate(sheets):
        kind, k = sheet.place
        if kind == "interface":
            chain.append(contact_sheet(sheet, alive[s]))
        else:
            live.append(alive[s])
            layer = sheet.item
            sigma = exact(layer.medium.conductivity)[alive[s]]
            g = exact(layer.medium.relaxation)[np.ix_(alive[s], alive[s])]
            wanted = sorted({float(offset) for number, offset in inside if number == k})
            infinite = np.isinf(layer.thickness)
            depth[k] = Decimal((wanted or [0.0])[-1] if infinite else float(layer.thickness))
            cuts = sorted({Decimal(0), depth[k], *map(Decimal, wanted)})
            backwards = infinite and k == 0  # offsets in the left lead count from its interface
            first = len(chain)
            widths = [b - a for a, b in pairwise(cuts)]
            for width in reversed(widths) if backwards else widths:
                chain.append(Element(sheet.place, alive[s], alive[s], alive[s], sigma, g, width))
            for offset in wanted:
                at = cuts.index(Decimal(offset))
                nodes[k, offset] = first + (len(widths) - at if backwards else at)
        if s < len(contacts):
            number, resistance = contacts[s]
            through = [i for i in alive[s] if i in alive[s + 1] and np.isfinite(resistance[i])]
            wires = {i: exact(resistance)[i] for i in through}
            chain.append(Element(("interface", number), alive[s], alive[s + 1], [], wires=wires))
    return chain, nodes, depth, live


def step(element, seen, known):
    """Look through an element from the left at conductances ``seen`` (None: all earthed): the same at its left, and F.

    V_right = F V_left.
    """
    left, right = element.left, element.right
    own, transfer = element.ports(known=known)
    at_left, at_right = [left.index(i) for i in element.slab], [right.index(i) for i in element.slab]
    currents, forward = zeros(len(left), len(left)), zeros(len(right), len(left))
    currents[np.ix_(at_left, at_left)] = own
    if seen is None:
        return currents, forward
    matrix, source = seen.copy(), zeros(len(right), len(left))
    matrix[np.ix_(at_right, at_right)] = matrix[np.ix_(at_right, at_right)] + own
    source[np.ix_(at_right, at_left)] = transfer
    for i, resistance in element.wires.items():
        row = right.index(i)
        matrix[row] = seen[row] * resistance
        matrix[row, row] += 1
        source[row, left.index(i)] = Decimal(1)
    forward = solve(matrix, source)
    currents[at_left] = currents[at_left] - transfer.dot(forward[at_right])
    for i in element.wires:
        currents[left.index(i)] = seen[right.index(i)].dot(forward)
    return currents, forward


@dataclass
class Network:
    """Numbers of a stack, rounded to floats at the very end."""

    resistance: float
    excess_resistance: float
    joule: np.ndarray
    relaxation: np.ndarray
    interfaces: np.ndarray
    potential: dict  # (layer, offset) -> (n,) J
    affinity: dict  # (layer, offset) -> (n, n) J
    current: dict  # (layer, offset) -> (n,) A/m^2


def network(layers, interfaces=None, current_density=1.0, inside=()):
    """Solve a stack; ``inside`` lists (layer, distance from its left edge), in the left lead from its right edge."""
    interfaces = [None] * (len(layers) - 1) if interfaces is None else interfaces
    with localcontext(prec=DIGITS, Emin=-(10**17), Emax=10**17):
        return _network(layers, interfaces, Decimal(float(current_density)), inside)


def _network(layers, interfaces, flow, inside):
    chain, nodes, depth, live = chain_of(layers, interfaces, inside)
    known, last = {}, len(layers) - 1
    conductivity = [exact(layer.medium.conductivity) for layer in layers]
    total = [sigma.sum() for sigma in conductivity]
    # Behind what is cut of it, a lead is a lead whose asymptote is earthed at a distance of 1 m.
    ends = {}
    for k in (0, last):
        if np.isinf(layers[k].thickness):
            sigma = conductivity[k][live[k]]
            outgoing = lead(sigma, exact(layers[k].medium.relaxation)[np.ix_(live[k], live[k])])
            ends[k] = outgoing, outgoing + np.outer(sigma, sigma) / total[k]
    seen, forwards = [ends[last][1] if last in ends else None], []
    for element in reversed(chain):
        conductance, forward = step(element, seen[-1], known)
        seen.append(conductance)
        forwards.append(forward)
    seen.reverse()
    forwards.reverse()
    ones = np.full((len(live[0]), 1), Decimal(1), dtype=object)
    first = ones
    if 0 in ends:
        first = solve(seen[0] + ends[0][1], ends[0][1].dot(ones))
    volts = [first[:, 0] if len(first) else first]
    for forward in forwards:
        volts.append(forward.dot(volts[-1]))
    scale = flow / seen[0].dot(volts[0]).sum()
    volts = [value * scale for value in volts]
    amps = [matrix.dot(value) for matrix, value in zip(seen[:-1], volts[:-1], strict=True)]
    if last in ends:
        amps.append(ends[last][1].dot(volts[-1]))
    else:
        own, transfer = chain[-1].ports(known=known)
        amps.append(transfer.dot(volts[-2]) - own.dot(volts[-1]))

    def beyond(k):
        return (depth[k] + 1) / total[k] if k in ends else Decimal(0)

    resistance = scale / flow - beyond(0) - beyond(last)
    bulk = sum((depth[k] / total[k] for k in range(last + 1) if k not in ends), Decimal(0))
    shift = flow * beyond(last)
    heat = _heat(chain, volts, amps, known, len(layers), ends, flow, total, conductivity, live)
    size = len(conductivity[0])
    potential, affinity, current = {}, {}, {}
    for key, node in nodes.items():
        alive = live[key[0]]
        level = volts[node] - shift
        potential[key], current[key] = np.full(size, np.nan), np.zeros(size)
        affinity[key] = np.full((size, size), np.nan)
        charge = Decimal(CHARGE)
        potential[key][alive] = (level * charge).astype(float)
        affinity[key][np.ix_(alive, alive)] = ((level[:, None] - level[None]) * charge).astype(float)
        current[key][alive] = amps[node].astype(float)
    return Network(float(resistance), float(resistance - bulk), *heat, potential, affinity, current)


def _heat(chain, volts, amps, known, layers, ends, flow, total, conductivity, live):
    """Joule heat and relaxation of each layer, and the power of each interface.

    The potentials minimise the power between given edges, so its derivative with respect to a common factor of all
    relaxation is the power of relaxation alone; a central difference in a hundred digits takes it.
    """
    nudge = Decimal("1e-35")
    joule, relaxing, faces = zeros(layers), zeros(layers), zeros(layers - 1)
    for node, element in enumerate(chain):
        kind, k = element.place
        power = volts[node].dot(amps[node]) - volts[node + 1].dot(amps[node + 1])
        if kind == "interface":
            faces[k] += power
            continue

        def work(factor, node=node, element=element):
            own, transfer = element.ports(1 + factor * nudge)
            a, b = volts[node], volts[node + 1]
            return a.dot(own).dot(a) + b.dot(own).dot(b) - 2 * a.dot(transfer).dot(b)

        part = (work(1) - work(-1)) / (2 * nudge)
        infinite = k in ends
        extra = flow * flow * element.thickness / total[k] if infinite else 0
        relaxing[k] += part
        joule[k] += power - part - extra
    for k in ends:
        at, sigma = (0 if k == 0 else -1), conductivity[k][live[k]]
        deviation = volts[at] - sigma.dot(volts[at]) / total[k]
        # J = Y u beyond the common current is homogeneous of degree 1/2 in the relaxation: it makes half of the heat.
        power = deviation.dot(ends[k][0]).dot(deviation)
        relaxing[k] += power / 2
        joule[k] += power / 2
    return joule.astype(float), relaxing.astype(float), faces.astype(float)


# --- two routes in double precision -----------------------------------------------------------------------------------


def collocation(layers, interfaces=None, tol=1e-9, decay=14.0, nodes=41):
    """AR in ohm m^2 and the function (layer, fraction) -> V, J in units of V_0 (also returned) and J, by ``solve_bvp``.

    A lead is cut ``decay`` of its longest lengths away, where exp(-2 decay) of an amplitude would come back. For
    interfaces without relaxation and stacks whose active channels all have a path to an end.
    """
    interfaces = [None] * (len(layers) - 1) if interfaces is None else interfaces
    active = [np.flatnonzero(layer.medium.conductivity) for layer in layers]
    last = len(layers) - 1
    thickness = []
    for layer in layers:
        longest = max(layer.medium.diffusion_lengths, default=1e-9)
        thickness.append(decay * longest if np.isinf(layer.thickness) else layer.thickness)
    unit = np.median([h / layer.medium.total_conductivity for h, layer in zip(thickness, layers, strict=True)])
    starts = np.cumsum([0, *(2 * len(rows) for rows in active)])
    size = starts[-1]
    matrix = np.zeros((size, size))
    parts = []
    for k, layer in enumerate(layers):
        rows, n = active[k], len(active[k])
        v, j = starts[k] + np.arange(n), starts[k] + n + np.arange(n)
        parts.append((v, j))
        g = np.asarray(layer.medium.relaxation)[np.ix_(rows, rows)]
        matrix[v, j] = -thickness[k] / (np.asarray(layer.medium.conductivity)[rows] * unit)
        matrix[np.ix_(j, v)] = (g - np.diag(g.sum(axis=1))) * thickness[k] * unit

    left_rows, right_rows, sources = [], [], []

    def condition(at_left=(), at_right=(), source=0.0):
        """Sum of entries at the left ends of the layers plus entries at their right ends = source."""
        for found, entries in ((left_rows, at_left), (right_rows, at_right)):
            row = np.zeros(size)
            for index, value in entries:
                row[index] += value
            found.append(row)
        sources.append(source)

    v, j = parts[0]
    for other in v[1:]:
        condition([(v[0], 1), (other, -1)])
    condition([(index, 1) for index in j], source=1.0)
    for index in parts[last][0]:
        condition(at_right=[(index, 1)])
    for k, face in enumerate(interfaces):
        (v, j), (v_next, j_next) = parts[k], parts[k + 1]
        resistance = np.zeros(len(layers[0].medium.conductivity)) if face is None else np.asarray(face.resistance)
        here, there = active[k].tolist(), active[k + 1].tolist()
        for channel in sorted({*here, *there}):
            if channel in here and channel in there and np.isfinite(resistance[channel]):
                a, b = here.index(channel), there.index(channel)
                condition([(j_next[b], -1)], [(j[a], 1)])
                condition([(v_next[b], -1)], [(v[a], 1), (j[a], -resistance[channel] / unit)])
                continue
            if channel in here:
                condition(at_right=[(j[here.index(channel)], 1)])
            if channel in there:
                condition([(j_next[there.index(channel)], 1)])
    a, b, c = np.array(left_rows), np.array(right_rows), np.array(sources)
    x = (1 - np.cos(np.linspace(0, np.pi, nodes))) / 2
    found = solve_bvp(
        lambda _, y: matrix @ y,
        lambda ya, yb: a @ ya + b @ yb - c,
        x,
        np.ones((size, len(x))),
        fun_jac=lambda x, _: np.repeat(matrix[:, :, None], len(x), axis=2),
        bc_jac=lambda *_: (a, b),
        tol=tol,
        max_nodes=20_000,
    )
    assert found.success, found.message
    drop = found.sol(0.0)[parts[0][0][0]] * unit
    cut = [thickness[k] / layers[k].medium.total_conductivity for k in {0, last} if np.isinf(layers[k].thickness)]

    def profile(layer, fraction):
        y = found.sol(fraction)
        return y[parts[layer][0]], y[parts[layer][1]]

    return drop - sum(cut), unit, profile


def resistors(layers, interfaces=None, cells=64):
    """AR (ohm m^2) of layers between reservoirs as a network of resistors: sigma/h along, G h across."""
    interfaces = [None] * (len(layers) - 1) if interfaces is None else interfaces
    size = 0
    ends, links = [], []  # links: one node, another, conductance

    def connect(one, other, conductance):
        links.append((one, other, conductance))

    shared = {}  # transparent channels of the interface before: the node that both layers have
    for k, layer in enumerate(layers):
        h = layer.thickness / cells
        nodes = {}
        for i, sigma in enumerate(layer.medium.conductivity):
            if not sigma:
                continue
            first = shared.get(i, size)
            size = size if i in shared else size + 1
            nodes[i] = [first, *range(size, size + cells)]
            size += cells
            for one, other in pairwise(nodes[i]):
                connect(one, other, sigma / h)
        for i in nodes:
            for j in nodes:
                if i < j and layer.medium.relaxation[i, j]:
                    for m in range(cells + 1):
                        share = 0.5 if m in (0, cells) else 1.0
                        connect(nodes[i][m], nodes[j][m], share * layer.medium.relaxation[i, j] * h)
        if k:
            face = interfaces[k - 1]
            for i in set(ends[-1]) & set(nodes) - set(shared):
                if np.isfinite(face.resistance[i]):
                    connect(ends[-1][i], nodes[i][0], 1 / face.resistance[i])
            if face is not None and face.relaxation is not None:
                raise NotImplementedError
        else:
            start = [row[0] for row in nodes.values()]
        ends.append({i: row[-1] for i, row in nodes.items()})
        following = layers[k + 1].medium.conductivity if k < len(layers) - 1 else []
        face = interfaces[k] if k < len(layers) - 1 else None
        shared = {
            i: node
            for i, node in ends[-1].items()
            if k < len(layers) - 1 and following[i] and (face is None or face.resistance[i] == 0)
        }
    level = np.full(size, np.nan)
    level[start], level[list(ends[-1].values())] = 1.0, 0.0
    one, other, conductance = (np.array(column) for column in zip(*links, strict=True))
    rows = np.concatenate([one, other, one, other])
    columns = np.concatenate([one, other, other, one])
    entries = np.concatenate([conductance, conductance, -conductance, -conductance])
    kirchhoff = coo_matrix((entries, (rows, columns)), shape=(size, size)).tocsr()
    free, held = np.flatnonzero(np.isnan(level)), np.flatnonzero(~np.isnan(level))
    level[free] = spsolve(kirchhoff[free][:, free].tocsc(), -kirchhoff[free][:, held] @ level[held])
    # The power at unit voltage is the conductance: second order small errors only.
    return 1 / float(np.sum(conductance * (level[one] - level[other]) ** 2))


# --- stacks to try ----------------------------------------------------------------------------------------------------


def symmetric(matrix):
    upper = np.triu(matrix, 1)
    return upper + upper.T


SIX_DECADES = {"sigma": (2, 8), "rate": (18, 24), "thickness": (-10, -6)}
TWELVE_AND_MORE = {"sigma": (-3, 9), "rate": (10, 30), "thickness": (-12, -2)}


def random_medium(rng, connected=False, ranges=SIX_DECADES):
    """Four channels with powers of ten in ``ranges``; s_up conducts, others may be frozen or not connected."""
    sigma = 10 ** rng.uniform(*ranges["sigma"], 4) * (rng.random(4) < 0.8)
    sigma[0] = 10 ** rng.uniform(*ranges["sigma"])
    rates = symmetric(10 ** rng.uniform(*ranges["rate"], (4, 4)) * (rng.random((4, 4)) < 0.6))
    if connected:
        rates[0, 1:] = rates[1:, 0] = 10 ** rng.uniform(*ranges["rate"], 3)
    return Medium(sigma, rates)


def random_interface(rng):
    """Transparent, resistive, blocked and relaxing channels; s_up always passes."""
    if rng.random() < 0.3:
        return None
    resistance = 10 ** rng.uniform(-18, -12, 4) * (rng.random(4) < 0.8)
    resistance[1:] = np.where(rng.random(3) < 0.2, np.inf, resistance[1:])
    if rng.random() < 0.5:
        return Interface(resistance)
    rates = symmetric(10 ** rng.uniform(9, 15, (4, 4)) * (rng.random((4, 4)) < 0.5))
    rates[resistance == 0] = rates[:, resistance == 0] = 0
    return Interface(resistance, rates)


def random_stack(rng, count=None, ranges=SIX_DECADES):
    """Two to six layers of any media between leads, reservoirs or one of each, with any interfaces."""
    count = int(rng.integers(2, 7)) if count is None else count
    layers = [Layer(random_medium(rng, ranges=ranges), 10 ** rng.uniform(*ranges["thickness"])) for _ in range(count)]
    for end in (0, -1):
        if rng.random() < 0.5:
            layers[end] = Layer(random_medium(rng, connected=True, ranges=ranges), np.inf)
    return layers, [random_interface(rng) for _ in range(count - 1)]
