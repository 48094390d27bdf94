"""Build the compiled backend from src_ext/, or the pure-Python package if it is not wanted or cannot be compiled.

PYPERCEPTRON_NO_EXTENSIONS=1       do not compile; the wheel is tagged py3-none-any
PYPERCEPTRON_REQUIRE_EXTENSIONS=1  fail if it cannot be compiled
neither                            try, and print a message if it cannot be compiled
"""

import platform
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

from build_backend import CYTHON, switched_on

# For bit-identical results: no fused multiply-add (-ffp-contract=off) and no -march=native.
# -fno-math-errno and -fno-trapping-math let branch-free selections vectorise and change no result; -g0 and -s keep the wheel
# small.
GNU_FLAGS = ["-O3", "-fno-fast-math", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-g0"]
# With these the linker adds code that makes the whole process flush subnormal numbers to 0, even if later flags revoke them.
UNSAFE_FLAGS = {"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math", "-freciprocal-math"}
UNSAFE_FLAGS |= {"-ffinite-math-only", "-fno-signed-zeros", "-mdaz-ftz", "-fsingle-precision-constant"}
STRIP = ["-Wl,-s"] if sys.platform.startswith("linux") else []
MSVC = sys.platform == "win32" and "mingw" not in sysconfig.get_platform()
FLAGS = ["/O2", "/fp:precise"] if MSVC else GNU_FLAGS

# Set here, not in the sources, so that they apply to the functions inlined from the .pxd files too.
DIRECTIVES = {
    "autotestdict": False,
    "boundscheck": False,
    "cdivision": True,
    "embedsignature": True,
    "embedsignature.format": "clinic",  # so that inspect.signature works on methods too
    "freethreading_compatible": True,
    "initializedcheck": False,
    "language_level": 3,
    "wraparound": False,
}

# The kernels are compiled once for each set; the backend chooses the best that the processor has when it is imported.
INSTRUCTION_SETS = {"baseline": []}
# Not on Windows: gcc misaligns AVX vectors on the stack there (GCC bug 54412), and MSVC uses other flags.
if sys.platform != "win32" and platform.machine() in ("x86_64", "AMD64") and "universal2" not in sysconfig.get_platform():
    INSTRUCTION_SETS["avx2"] = ["-mavx2"]
    INSTRUCTION_SETS["avx512"] = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw"]


def extension() -> Extension:
    return Extension(
        "pyperceptron.backends.cython",
        ["src_ext/backend.pyx"],
        depends=[str(path) for path in Path("src_ext").rglob("*.*") if path.suffix != ".pyx"],
        include_dirs=["src_ext"],
        define_macros=[("WITH_AVX", "1")] if "avx2" in INSTRUCTION_SETS else [],
        extra_compile_args=FLAGS if MSVC else [*FLAGS, "-O2"],  # it has no hot loops, and -O2 keeps the wheel small
        extra_link_args=[] if MSVC else STRIP,
    )


class CompilerFailed(Exception):  # noqa: N818
    """Raised only if the C compiler fails, so that other errors still stop the build."""


class BuildBackend(build_ext):
    def run(self) -> None:
        super().run()
        if not self.inplace:  # also into the checkout, so that Python started there finds the extension
            self.copy_extensions_to_source()

    def build_extensions(self) -> None:
        for name, command in vars(self.compiler).items():  # compiler_so, linker_so, ...: with what CFLAGS and LDFLAGS hold
            if isinstance(command, list):
                setattr(self.compiler, name, [word for word in command if word not in UNSAFE_FLAGS])
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        try:
            from Cython.Build import cythonize
        except ImportError:
            sys.exit(
                "pyperceptron: the compiled backend is built with Cython, which is not installed here: run pip install "
                f"'{CYTHON}', or set PYPERCEPTRON_NO_EXTENSIONS=1 to install the pure-Python package"
            )
        # Take only the sources, because setuptools has set attributes on ext that the new Extension lacks.
        [in_c] = cythonize([ext], include_path=["src_ext"], compiler_directives=DIRECTIVES, build_dir=self.build_temp)
        ext.sources = in_c.sources
        try:
            with ThreadPoolExecutor() as pool:  # the compilers run at the same time
                ext.extra_objects = list(pool.map(self.compile_kernels, *zip(*INSTRUCTION_SETS.items(), strict=True)))
            super().build_extension(ext)
        except (CCompilerError, ExecError, PlatformError) as error:
            raise CompilerFailed(error) from error

    def compile_kernels(self, name: str, flags: list[str]) -> str:
        """Compile the kernels for one instruction set and return the path of the object file."""
        [compiled] = self.compiler.compile(
            ["src_ext/kernels/kernels.c"],
            output_dir=str(Path(self.build_temp, name)),
            macros=[("KERNELS", f"kernels_{name}")],
            extra_postargs=[*FLAGS, *flags],
        )
        return compiled


def build(extensions: list[Extension]) -> None:
    setup(ext_modules=extensions, cmdclass={"build_ext": BuildBackend})


def build_pure() -> None:
    """Build a py3-none-any wheel, after removing any compiled backend that an earlier build left in the checkout."""
    for left_over in Path("pyperceptron/backends").glob("*" + sysconfig.get_config_var("EXT_SUFFIX")):
        print(f"removing {left_over}, a compiled backend of an earlier build", file=sys.stderr)
        left_over.unlink()
    build([])


def tell(message: str) -> None:
    """Print to standard error, and to the terminal itself, because pip hides what a successful build prints."""
    print(message, file=sys.stderr)
    try:
        with open("/dev/tty", "w") as terminal:
            print(f"\n{message}", file=terminal)
    except OSError:
        pass


forbidden = switched_on("PYPERCEPTRON_NO_EXTENSIONS")
required = switched_on("PYPERCEPTRON_REQUIRE_EXTENSIONS")
if forbidden and required:
    sys.exit("PYPERCEPTRON_NO_EXTENSIONS and PYPERCEPTRON_REQUIRE_EXTENSIONS are both set: unset one of them")
if forbidden:
    build_pure()
else:
    try:
        build([extension()])
    except CompilerFailed as error:
        if required:
            sys.exit(f"the compiled backend is required but could not be compiled: {error}")
        tell(
            f"{error}\n\npyperceptron: the C compiler failed, so the compiled backend is not built. The pure-Python package\n"
            "is installed instead: the same results, a hundred times slower. `pyperceptron --version` lists the backends."
        )
        build_pure()
