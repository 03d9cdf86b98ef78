"""Builds the C core: one extension from csrc/**/*.c, in parallel, rebuilding only what changed.

Environment variables, for developers and CI:
  RECURSIONLAB_WERROR=1                      warnings are errors
  RECURSIONLAB_DEBUG=1                       -O0 -g, assertions on
  RECURSIONLAB_SANITIZE=address,undefined    sanitizers, assertions on, arenas become plain malloc
  RECURSIONLAB_COVERAGE=1                    gcov instrumentation
  RECURSIONLAB_EMULATE=1                     AVX-512 kernels run on AVX2, lane by lane, for tests
  RECURSIONLAB_OPENMP=0                      build without OpenMP (everything runs on one thread)
"""

import os
import platform
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

ROOT = Path(__file__).parent
X86 = platform.machine().lower() in ("x86_64", "amd64")

WARNINGS = (
    "-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla "
    "-Wpointer-arith -Wwrite-strings"
).split()
COMMON = "-std=c99 -fvisibility=hidden -ffp-contract=off -fno-math-errno -fopenmp-simd".split()
# The suffix of a file's name selects its instruction set; every other file gets the baseline.
AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
ISA_FLAGS = {
    "_avx2.c": AVX2,
    "_avx512.c": AVX512,
    "_avx512bf16.c": [*AVX512, "-mavx512bf16"],
    "": ["-march=x86-64-v2"],
}


def switch(name, default="0"):
    """Return whether the environment switches RECURSIONLAB_<name> on."""
    return os.environ.get(f"RECURSIONLAB_{name}", default) not in ("", "0")


def isa_flags(source):
    """Return the instruction-set flags of one source file."""
    if not X86:
        return []
    if switch("EMULATE") and "_avx512" in source:
        return [*AVX2, "-Wno-psabi", "-O2"]  # -O3 takes ten minutes for lanes written out
    return next(flags for suffix, flags in ISA_FLAGS.items() if source.endswith(suffix))


def build_flags():
    """Return (compile flags, link flags) of this build's variant."""
    sanitize = os.environ.get("RECURSIONLAB_SANITIZE", "")
    flags, link = COMMON + WARNINGS, []
    if sanitize:
        flags = [*flags, "-O1", "-g", "-UNDEBUG", "-DRLAB_SANITIZE=1", f"-fsanitize={sanitize}"]
        flags += ["-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
        link.append(f"-fsanitize={sanitize}")
    elif switch("DEBUG"):
        flags = [*flags, "-O0", "-g", "-UNDEBUG"]
    else:
        flags = [*flags, "-O3", "-g1", "-DNDEBUG"]
    if switch("EMULATE"):
        flags.append("-DRLAB_EMULATE")
    if switch("WERROR"):
        flags.append("-Werror")
    if switch("COVERAGE"):
        flags.append("--coverage")
        link.append("--coverage")
    if switch("OPENMP", "1"):
        flags.append("-fopenmp")
        link.append("-fopenmp")
    return flags, link


def stale(obj, source, stamp):
    """Return whether an object file is older than anything it was made from."""
    depfile = Path(obj).with_suffix(".d")
    if not Path(obj).exists() or not depfile.exists():
        return True
    head, _, names = depfile.read_text().replace("\\\n", " ").partition(": ")
    made = Path(obj).stat().st_mtime
    if stamp not in head:
        return True
    return any(not Path(n).exists() or Path(n).stat().st_mtime > made for n in names.split())


class ParallelBuild(build_ext):
    """Compiles the sources of the one extension in parallel and skips what is up to date."""

    def build_extensions(self):
        """Replace the compiler's serial `compile` by a parallel, incremental one."""
        compiler = self.compiler
        flags, link = build_flags()
        includes = [numpy.get_include(), sysconfig.get_paths()["include"]]
        # -isystem: the headers of CPython and NumPy are not ours to warn about.
        base = flags + [f"-isystem{path}" for path in includes] + [f"-I{ROOT / 'csrc'}"]
        variant = "".join(c if c.isalnum() else "_" for c in " ".join(flags))
        stamp = f"{hash_text(variant)}"

        def compile_one(job):
            source, obj = job
            if not stale(obj, source, stamp):
                return
            Path(obj).parent.mkdir(parents=True, exist_ok=True)
            dep = ["-MMD", "-MF", str(Path(obj).with_suffix(".d")), "-MT", f"{obj}.{stamp}"]
            command = [*compiler.compiler_so, *base, *isa_flags(source), *dep]
            run_compiler([*command, "-c", source, "-o", obj])

        def compile_all(sources, output_dir=None, **_):
            objects = compiler.object_filenames(sources, output_dir=output_dir or "")
            jobs = list(zip(sources, objects, strict=True))
            jobs.sort(key=lambda job: "kernels_" not in job[0])  # these take the longest
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                list(pool.map(compile_one, jobs))
            return objects

        compiler.compile = compile_all
        compiler.compiler_so = [
            f
            for f in compiler.compiler_so
            if not f.startswith(("-O", "-g", "-DNDEBUG", "-Wall", "-march", "-W", "-I"))
        ]
        self.extensions[0].extra_link_args = link
        super().build_extensions()


def run_compiler(command):
    """Run one compiler call; on failure, show what it said and which call it was."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    if done.returncode:
        raise CompileError(f"exit status {done.returncode} of {' '.join(command)}")


def hash_text(text):
    """Return a short name for a text (FNV-1a), to tell build variants apart."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def files(pattern):
    """Return the sorted paths below the root that match, relative to it."""
    return sorted(str(p.relative_to(ROOT)) for p in ROOT.glob(pattern))


setup(
    ext_modules=[
        Extension(
            "recursionlab._core",
            sources=files("csrc/**/*.c"),
            depends=files("csrc/**/*.[hd]*"),
        )
    ],
    cmdclass={"build_ext": ParallelBuild},
)
