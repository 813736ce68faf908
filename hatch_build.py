"""Build hook that compiles the kernels in C of `kseg_video` if there is a C compiler."""

from __future__ import annotations

import os
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_COMPILERS = ("cc", "gcc", "clang")
_SOURCES = (*("label_hysteresis.c", "color_index.c", "nearest_centroid.c", "regions.c", "views.c"),)
# No fused multiply-add: products and sums are rounded one by one, as in NumPy.
_OPTIONS = ("-std=gnu11", "-O3", "-ffp-contract=off", "-shared", "-fPIC")


class CompilingHook(BuildHookInterface[Any]):
    """Compiles the library beside its binding, and adds it to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile before the wheel is built, and display the outcome."""
        native = Path(self.root, "kseg_video", "native")
        library = native / "compiled.shared"  # Python would import a .so as a module
        library.unlink(missing_ok=True)  # a running program may have mapped the old file
        compiler = shlex.split(os.environ.get("CC", "")) or _found()
        try:
            _compile(compiler, native, library)
        except _NotCompiledError as error:
            self.app.display_warning(f"Kernels: not compiled, so labels take longer: {error}")
            return
        self.app.display_info(f"Kernels: compiled by {shlex.join(compiler)}")
        build_data["artifacts"].append(f"/{library.relative_to(self.root).as_posix()}")
        build_data["pure_python"] = False
        # ctypes loads the library in any version of Python: only the platform matters.
        platform = self.build_config.builder.get_best_matching_tag().rpartition("-")[2]
        build_data["tag"] = f"py3-none-{platform}"


class _NotCompiledError(Exception):
    """Why there is no library."""


def _compile(compiler: list[str], native: Path, library: Path) -> None:
    if not compiler:
        raise _NotCompiledError(f"there is no C compiler ({', '.join(_COMPILERS)})")
    constants = runpy.run_path(str(native / "constants.py"))
    macros = [f"-D{name}={value}" for name, value in constants.items() if name.isupper()]
    sources = [str(native / "src" / name) for name in _SOURCES]
    command = [*compiler, *_OPTIONS, *macros, *sources, "-o", str(library)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise _NotCompiledError(f"{shlex.join(compiler)} cannot be run ({error})") from error
    except subprocess.CalledProcessError as error:
        why = f"failed with exit code {error.returncode}"
        raise _NotCompiledError(f"{shlex.join(compiler)} {why}\n{error.stderr}".rstrip()) from error


def _found() -> list[str]:
    return [path for name in _COMPILERS if (path := shutil.which(name))][:1]
