import pytest

from installer.interpreter import supported_names
from installer.pip_failure import explain, package_in

# What pip 23 to 25 print, cut to the lines that matter.
REFUSED = """\
Looking in indexes: http://127.0.0.1:1/simple
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor\
.urllib3.connection.HTTPConnection object>: Failed to establish a new connection: [Errno 111] Connection \
refused')': /simple/torch/
ERROR: Could not find a version that satisfies the requirement torch (from versions: none)
ERROR: No matching distribution found for torch
"""
CERTIFICATE = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: \
CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate'))': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)
"""
PROXY = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to proxy.', \
OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)
"""
BROKE_OFF = """\
Collecting torch==2.13.0
  Downloading torch-2.13.0-cp311-cp311-win_amd64.whl (122.9 MB)
ERROR: Exception:
pip._vendor.urllib3.exceptions.IncompleteRead: IncompleteRead(8060928 bytes read, 114806 more expected)
pip._vendor.urllib3.exceptions.ProtocolError: ('Connection broken: IncompleteRead(8060928 bytes read)')
"""
NO_WHEEL = """\
Collecting scipy==1.17.1
ERROR: Could not find a version that satisfies the requirement scipy==1.17.1 (from versions: 0.8.0, 1.16.0)
ERROR: No matching distribution found for scipy==1.17.1
"""
DISK = """\
Collecting torch==2.13.0
Installing collected packages: mpmath, torch
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
"""
WINDOWS_DISK = """\
Collecting torch==2.13.0
ERROR: Could not install packages due to an OSError: [WinError 112] There is not enough space on the disk
"""
HASH = """\
Collecting av==18.1.0
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package \
versions, please update the hashes.
"""
CORRUPT = "ERROR: Wheel 'av' located at /tmp/av-18.1.0-py3-none-any.whl is invalid.\n"
CONFLICT = """\
Collecting diffusers==0.42.1
ERROR: Cannot install transformers and void-nuke[diffusion]==0.1.0 because these package versions have \
conflicting dependencies.

The conflict is caused by:
    void-nuke[diffusion] 0.1.0 depends on transformers>=6
    The user requested (constraint) transformers==5.23.0

To fix this you could try to:
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/
"""
COMPILER = """\
Building wheels for collected packages: av
  Building wheel for av (setup.py): started
      error: command '/usr/bin/gcc' failed: No such file or directory
  ERROR: Failed building wheel for av
Failed to build av
ERROR: Could not build wheels for av, which is required to install pyproject.toml-based projects
"""
METADATA = """\
Collecting scipy==1.17.1
  ../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc'], ['clang']]
error: metadata-generation-failed
"""
OTHER_PYTHON = "ERROR: Package 'void-nuke' requires a different Python: 3.9.2 not in '>=3.10'\n"
IN_USE = """\
Installing collected packages: numpy
ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\.venv\\\\_core.pyd'
"""


@pytest.mark.parametrize(
    ("said", "package", "why", "remedy"),
    [
        (REFUSED, "torch", "no connection", "check the network"),
        (CERTIFICATE, "numpy", "certificate", "PIP_CERT"),
        (PROXY, "numpy", "proxy", "HTTPS_PROXY"),
        (BROKE_OFF, "torch", "broke off", "run it again"),
        (NO_WHEEL, "scipy", "no build of it for Python 3.11.7", supported_names()),
        (DISK, "torch", "disk is full", "make room"),
        (WINDOWS_DISK, "torch", "disk is full", "make room"),
        (HASH, "av", "damaged", "cache purge"),
        (CORRUPT, "av", "damaged", "cache purge"),
        (CONFLICT, "transformers", "contradicts the pinned versions", "constraints.txt"),
        (COMPILER, "av", "compiling it here failed", "compiler"),
        (METADATA, "scipy", "compiling it here failed", "compiler"),
        (
            OTHER_PYTHON,
            "void-nuke",
            "does not support Python 3.11.7",
            supported_names(),
        ),
        (IN_USE, "Style", "may not be written", "--prefix"),
    ],
)
def test_names_package_cause_and_remedy(said: str, package: str, why: str, remedy: str) -> None:
    error = explain(said.splitlines(), 1, "Style", "3.11.7")

    assert error.what == package
    assert why in error.why
    assert remedy in error.remedy


def test_a_conflict_says_what_does_not_go_together() -> None:
    error = explain(CONFLICT.splitlines(), 1, "VOID", "3.11.7")

    assert "void-nuke[diffusion] 0.1.0 depends on transformers>=6" in error.why
    assert "(constraint) transformers==5.23.0" in error.why


def test_a_repeated_download_is_not_the_cause_of_a_later_conflict() -> None:
    error = explain([REFUSED.splitlines()[1], *CONFLICT.splitlines()], 1, "VOID", "3.11.7")

    assert "pinned versions" in error.why


def test_an_unknown_failure_gives_pips_last_words() -> None:
    said = ["Collecting rich==15.0.0", "ERROR: the moon is in the wrong quarter", "", "[notice] New pip"]

    error = explain(said, 3, "VOID", "3.11.7")

    assert error.what == "rich"
    assert "status 3" in error.why
    assert "the moon is in the wrong quarter" in error.why


def test_silence_is_told_too() -> None:
    error = explain([], 1, "PyTorch", "3.11.7")

    assert error.what == "PyTorch"
    assert "said last: nothing" in error.why


def test_a_killed_pip_means_memory() -> None:
    error = explain(["Collecting torch==2.13.0"], -9, "PyTorch", "3.11.7")

    assert (error.what, "memory" in error.why) == ("torch", True)


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("Collecting scikit-image>=0.25", "scikit-image"),
        ("  Downloading torch-2.13.0-cp311-cp311-win_amd64.whl (122.9 MB)", "torch"),
        ("  Using cached opencv_python_headless-5.0.0.93-cp37-abi3-win_amd64.whl", "opencv_python_headless"),
        ("Processing /somewhere/mdurl-0.1.2-py3-none-any.whl (from markdown-it-py)", "mdurl"),
        ("  Building wheel for av (setup.py): started", "av"),
        ("Requirement already satisfied: pip", None),
        ("", None),
    ],
)
def test_knows_what_pip_is_busy_with(line: str, package: str | None) -> None:
    assert package_in(line) == package
