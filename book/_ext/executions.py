"""Notebooks are executed side by side before their pages are read; each page then finds its outputs in the cache.

A notebook that fails is left to the page, which executes it again and says where.
"""

import importlib
import os
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import create_nb_reader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from tools.notebooks import joined

__all__ = ["Executions", "setup"]

_LOGGER = logging.getLogger(__name__)
_MOST = 4  # kernels at once, each with its own copy of the libraries in memory


@dataclass(frozen=True)
class Executions:
    """How long each notebook took when it was executed, by page, and how many of them this build executed."""

    seconds: dict[str, float]
    executed: int = 0
    elapsed: float = 0.0


def _to_execute(
    env: BuildEnvironment, cache: JupyterCacheAbstract, pages: list[str]
) -> tuple[dict[str, NotebookNode], dict[str, float]]:
    """The notebooks among the pages that are not in the cache, as myst-nb reads them; the seconds of the others."""
    found, seconds = {}, {}
    for page in pages:
        path = Path(env.doc2path(page))
        text = path.read_text(encoding="utf-8")
        reader = create_nb_reader(str(path), env.myst_config, env.mystnb_config, text)
        if reader is not None:
            notebook = reader.read(text)
            try:
                seconds[page] = cache.match_cache_notebook(notebook).data["execution_seconds"]
            except KeyError:
                found[page] = notebook
    return found, seconds


def _execute(page: str, notebook: NotebookNode, folder: Path, timeout: int) -> ExecutionResult:
    _LOGGER.info("Executing notebook", location=page)
    return single_nb_execution(notebook, cwd=str(folder), timeout=timeout, allow_errors=False)


def _execute_all(_app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    config = env.mystnb_config
    cache = get_cache(config.execution_cache_path)
    began = time.monotonic()
    notebooks, seconds = _to_execute(env, cache, pages)
    env.spinlib_executions = Executions(seconds)  # type: ignore[attr-defined]
    if not notebooks:
        return
    # The first import makes the list of fonts; two kernels that make it at once could take so long that they warn.
    importlib.import_module("matplotlib.font_manager")
    paths = {page: Path(env.doc2path(page)) for page in notebooks}
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST)) as pool:
        jobs = {
            pool.submit(_execute, page, notebook, paths[page].parent, config.execution_timeout): page
            for page, notebook in notebooks.items()
        }
        for job in as_completed(jobs):
            page = jobs[job]
            problem = job.exception() or job.result().err
            if problem is not None:
                _LOGGER.warning("the notebook failed: %s", type(problem).__name__, location=page)
                continue
            result = job.result()
            for cell in result.nb.cells:
                if cell.cell_type == "code":
                    # myst-nb would end a line wherever a busy machine has cut what a cell prints.
                    cell.outputs = joined(cell.outputs)
            _LOGGER.info("Executed notebook in %.2f seconds", result.time, location=page)
            seconds[page] = result.time
            bundle = CacheBundleIn(result.nb, str(paths[page]), data={"execution_seconds": result.time})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    elapsed = time.monotonic() - began
    env.spinlib_executions = Executions(seconds, len(notebooks), elapsed)  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the event of Sphinx before it reads pages."""
    app.connect("env-before-read-docs", _execute_all, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
