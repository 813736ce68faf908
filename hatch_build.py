"""Compiles the C of `kseg_video`, where there is a C compiler."""

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
_SOURCES = ("label_hysteresis.c", "color_index.c", "nearest_centroid.c", "views.c")
# Products and sums are rounded one by one, as NumPy does.
_OPTIONS = ("-std=gnu11", "-O3", "-ffp-contract=off", "-shared", "-fPIC")


class CompilingHook(BuildHookInterface[Any]):
    """Puts the compiled library beside its binding, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile before the wheel is put together."""
        native = Path(self.root, "kseg_video", "native")
        library = native / "compiled.shared"  # not .so, which would be a module
        compiler = shlex.split(os.environ.get("CC", "")) or _found()
        sources = [str(native / "src" / name) for name in _SOURCES]
        constants = runpy.run_path(str(native / "constants.py"))
        macros = [f"-D{name}={value}" for name, value in constants.items() if name.isupper()]
        command = [*compiler, *_OPTIONS, *macros, *sources, "-o", str(library)]
        try:
            library.unlink(missing_ok=True)  # written over in place, it might be in use
            if not compiler:
                return
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"nothing was compiled ({error})")
            return
        build_data["artifacts"].append(f"/{library.relative_to(self.root).as_posix()}")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _found() -> list[str]:
    return [path for name in _COMPILERS if (path := shutil.which(name))][:1]
