"""Says which of the server's environment variables its workers get.

A server's environment may hold secrets (tokens of clouds and of package registries, passwords), and a worker
opens files of strangers. So a worker gets what is named here and in the setting ``worker_environment``, and
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

PASSED_ON = (
    # The system: where programs, libraries, the user's folders and temporary files are; language and time.
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TMP", "TEMP",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
    "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "SYSTEMDRIVE", "USERPROFILE", "LOCALAPPDATA", "APPDATA",
    "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_*",
    # Python and its environments.
    "PYTHON*", "VIRTUAL_ENV", "CONDA_PREFIX", "COVERAGE_*",
    # This program's own, and what plates are read and coloured with.
    "VOID_*", "OCIO", "OCIO_*", "OIIO_*", "OPENIMAGEIO_*", "OPENEXR_*", "OPENCV_*",
    # Numbers and devices: threads, GPUs and the libraries on them.
    "OMP_*", "KMP_*", "GOMP_*", "MKL_*", "OPENBLAS_*", "NUMEXPR_*", "MALLOC_*", "CUDA_*", "CUDNN_*",
    "CUBLAS_*", "NVIDIA_*", "NCCL_*", "GPU_*", "HIP_*", "HSA_*", "ROCR_*", "ROCM_*", "MIOPEN_*", "ZE_*",
    "TORCH_*", "TORCHINDUCTOR_*", "PYTORCH_*", "TRITON_*", "SAFETENSORS_*", "HF_HOME", "HF_HUB_CACHE",
    "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
)  # fmt: skip
"""Names, with ``*`` for any end."""


def passed_on(environment: Mapping[str, str], more: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables of an environment that a worker gets. ``more`` names others, ``*`` for any end."""
    patterns = [pattern.upper() for pattern in (*PASSED_ON, *more)]
    return {
        name: value
        for name, value in environment.items()
        if any(fnmatchcase(name.upper(), pattern) for pattern in patterns)
    }
