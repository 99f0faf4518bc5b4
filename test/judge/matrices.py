"""The matrices that judges try: spectra of many kinds, deficient, repeated, graded, sparse, structured, huge and tiny; each with a name."""
import numpy as np
from judge import with_spectrum


def i(n):
    return np.arange(1.0, n + 1)


def zoo():
    rng = np.random.default_rng(1)
    spectra = {
        "flat": lambda n: np.ones(n),
        "i^-0.5": lambda n: i(n) ** -0.5,
        "i^-1": lambda n: 1 / i(n),
        "i^-1.5": lambda n: i(n) ** -1.5,
        "i^-2": lambda n: i(n) ** -2,
        "i^-3": lambda n: i(n) ** -3,
        "e^-i/4": lambda n: np.exp(-i(n) / 4),
        "e^-i": lambda n: np.exp(-i(n)),
        "step": lambda n: np.where(i(n) <= n // 8, 1, 1e-3),
        "step to f32 noise": lambda n: np.where(i(n) <= n // 8, 1, 1e-7),
        "rank 5": lambda n: np.linspace(2, 1, 5),
        "rank 20": lambda n: np.linspace(2, 1, 20),
        "40 equal": lambda n: np.where(i(n) <= 40, 1, 0.1),
        "two clusters": lambda n: np.where(i(n) <= 20, 2, np.where(i(n) <= 45, 1, 0.01)),
        "one large": lambda n: np.where(i(n) == 1, 1e3, 1),
        "one small": lambda n: np.where(i(n) == n, 1e-6, 1),
        "linear": lambda n: 1 - (i(n) - 1) / n,
        "S curve": lambda n: 1 / (1 + np.exp((i(n) - n / 4) / 3)),
    }
    for kind, spectrum in spectra.items():
        yield f"{kind}, square", with_spectrum(96, 96, spectrum(96), 3)
        yield f"{kind}, tall", with_spectrum(300, 70, spectrum(70), 4)
        yield f"{kind}, wide", with_spectrum(70, 300, spectrum(70), 5)
    n = 96
    gauss = rng.standard_normal((n, n))
    yield "Gaussian", gauss
    yield "Gaussian, tall", rng.standard_normal((400, 64))
    yield "Gaussian, wide", rng.standard_normal((64, 400))
    yield "uniform, biased", rng.random((n, n))
    yield "exponential", rng.exponential(size=(n, n))
    yield "heavy tails", rng.standard_t(2, (n, n))
    yield "zero", np.zeros((n, n))
    yield "ones", np.ones((n, 80))
    yield "ones, long", np.ones((700, 64))
    yield "identity", np.eye(n)
    yield "permutation", np.eye(n)[rng.permutation(n)]
    yield "rank 1", np.outer(rng.standard_normal(n), rng.standard_normal(80))
    yield "zero rows", np.vstack([rng.standard_normal((20, n)), np.zeros((n - 20, n))])
    yield "zero columns", np.hstack([rng.standard_normal((n, 20)), np.zeros((n, n - 20))])
    yield "one row", np.vstack([rng.standard_normal((1, n)), np.zeros((n - 1, n))])
    yield "equal rows", rng.standard_normal((5, n))[np.arange(n) % 5]
    yield "equal columns", rng.standard_normal((n, 3))[:, np.arange(80) % 3]
    yield "heavy row", gauss * np.where(np.arange(n) == 7, 1e6, 1)[:, None]
    yield "heavy column", gauss * np.where(np.arange(n) == 7, 1e6, 1)
    yield "outliers", 0.02 * gauss + 30 * (rng.random((n, n)) < 3e-4)
    yield "one entry", np.where(np.arange(n * n).reshape(n, n) == 777, 5.0, 0.0)
    yield "sparse", gauss * (rng.random((n, n)) < 0.02)
    yield "diagonal and dust", np.diag(rng.standard_normal(n)) + 1e-6 * gauss
    yield "diagonal and a little", np.diag(rng.standard_normal(n)) + 1e-3 * gauss
    yield "blocks", np.kron(np.eye(8), rng.standard_normal((12, 12)))
    yield "checkerboard", (np.indices((n, n)).sum(0) % 2).astype(float)
    hadamard = np.ones((1, 1))
    for _ in range(6):
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    yield "Hadamard", hadamard
    yield "Hilbert", 1 / (i(n)[:, None] + i(n) - 1)
    yield "Hilbert, tall", 1 / (i(300)[:, None] + i(64) - 1)
    yield "Cauchy", 1 / (i(n)[:, None] + i(n) + 0.5)
    yield "Vandermonde", np.linspace(0, 1, n)[:, None] ** np.arange(64)
    yield "Pascal", np.array([[min(1e15, float(np.prod([(a + b - k) / (k + 1) for k in range(b)]))) for b in range(64)] for a in range(64)])
    kahan = np.triu(-0.285 * np.ones((n, n)), 1) + np.eye(n)
    yield "Kahan", 0.96 ** np.arange(n)[:, None] * kahan
    yield "Toeplitz", 0.9 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    yield "Hankel", np.sin(np.add.outer(np.arange(n), np.arange(n)) / 5.0)
    yield "second differences", 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    yield "lower ones", np.tril(np.ones((n, n)))
    yield "cosines", np.cos(np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(n)))
    yield "arrow", np.diag(i(n)) + np.where(np.arange(n) == 0, 1, 0) + np.where(np.arange(n) == 0, 1, 0)[:, None]
    yield "small blocks of large and small", np.kron(np.diag(10.0 ** -np.arange(8)), rng.standard_normal((12, 12)))
    yield "attention", np.exp(with_spectrum(n, n, 20 / i(n), 9)) / np.exp(with_spectrum(n, n, 20 / i(n), 9)).sum(1, keepdims=True)
    yield "layer and a mean", 0.02 * gauss + 0.1
    yield "graded rows, 30 orders", 10.0 ** (-30 * np.arange(n) / n)[:, None] * gauss
    yield "graded rows, 300 orders", 10.0 ** (150 - 300 * np.arange(n) / n)[:, None] * gauss
    yield "graded both ways", 10.0 ** -np.add.outer(np.arange(n) / 8, np.arange(n) / 8) * gauss
    for exponent in (-310, -300, -150, -38, -30, -15, -7, 4, 15, 30, 36, 150, 300):
        yield f"1e{exponent} i^-1", with_spectrum(n, n, 1 / i(n), 7) * 10.0**exponent
    yield "1e-15 near one value", (1 + 0.2 * gauss) * 1e-15
    yield "noise of one bit", 1 + 2**-23 * np.sign(gauss)
