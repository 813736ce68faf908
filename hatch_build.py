"""Compiles `kseg_video/labelling.c`, where there is a C compiler: without, OpenCV does its work."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_COMPILERS = ("cc", "gcc", "clang")
_OPTIONS = ("-std=gnu11", "-O3", "-shared", "-fPIC")


class CompilingHook(BuildHookInterface[Any]):
    """Puts the compiled library beside its source, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile before the wheel is put together."""
        source = Path(self.root, "kseg_video", "labelling.c")
        library = source.with_suffix(".shared")
        # Not .so, which would be a module; never written over in place, as it may be in use.
        library.unlink(missing_ok=True)
        compiler = shlex.split(os.environ.get("CC", "")) or _found()
        if not compiler:
            return
        command = [*compiler, *_OPTIONS, str(source), "-o", str(library)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"{source.name} was not compiled ({error})")
            library.unlink(missing_ok=True)
            return
        build_data["artifacts"].append(f"/{library.relative_to(self.root).as_posix()}")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _found() -> list[str]:
    return [path for name in _COMPILERS if (path := shutil.which(name))][:1]
