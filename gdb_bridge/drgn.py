# What one sources in GDB: `source drgn.py`. It finds the package and starts it.
#
# This runs in the __main__ of GDB's Python before anything is known to be installed:
# with the standard library alone, and it leaves no names behind. A GDB without Python
# takes it for commands of its own, and says that it does not know the first word:
drgn_needs_a_GDB_with_Python = __name__ == "__main__"

import importlib.machinery  # noqa: E402
import importlib.util  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

if not drgn_needs_a_GDB_with_Python:
    raise ImportError("this file is not the drgn package: source it in GDB")


class _Loader:
    def __init__(self, path: str) -> None:
        self.path = path
        self.package = os.path.dirname(os.path.dirname(path))
        self.is_checkout = os.path.exists(os.path.join(self.package, "pyproject.toml"))
        self.python = "{}.{}".format(*sys.version_info[:2])
        data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        self.own_environment = os.path.join(data, "pydrgn", self.python)

    def load(self) -> "str | None":
        """Start the package; returns what is wrong, if anything is."""
        if "drgn" not in sys.modules:
            site_packages = self.find_site_packages()
            if site_packages is not None:
                import site

                # At the end of sys.path: what GDB's Python has stays what it was.
                site.addsitedir(site_packages)
            elif importlib.util.find_spec("numpy") is None:
                return self.advice()
        wrong = self.check_package()
        if wrong is None:
            from drgn.gdb_bridge.install import install

            install()
        return wrong

    def find_site_packages(self) -> "str | None":
        override = os.environ.get("PYDRGN_SITE")
        if override:
            # Site-packages, or the environment that has them.
            places = [*self.inside(override), override]
        else:
            if self.is_checkout:
                places = self.inside(os.path.join(self.package, ".venv"))
            else:
                places = [os.path.dirname(self.package)]
            places += self.inside(self.own_environment)
            if os.environ.get("VIRTUAL_ENV"):
                places += self.inside(os.environ["VIRTUAL_ENV"])
        return next((place for place in places if self.has_numpy(place)), None)

    def inside(self, environment: str) -> "list[str]":
        return [
            os.path.join(environment, lib, f"python{self.python}", "site-packages")
            for lib in ("lib", "lib64")
        ]

    def has_numpy(self, place: str) -> bool:
        """Whether there is a numpy that this very Python can load."""
        return any(
            os.path.exists(
                os.path.join(place, "numpy", core, f"_multiarray_umath{end}")
            )
            for core in ("_core", "core")
            for end in importlib.machinery.EXTENSION_SUFFIXES
        )

    def advice(self) -> str:
        what = self.package if self.is_checkout else "pydrgn"
        place = self.own_environment
        override = os.environ.get("PYDRGN_SITE")
        where = f" in PYDRGN_SITE={override}" if override else ""
        return (
            f"pydrgn: nothing is installed{where} for GDB's Python {self.python}:"
            f" python{self.python} -m venv {place} && {place}/bin/pip install {what}"
        )

    def check_package(self) -> "str | None":
        """Upstream's drgn has the name of our package, and so has this file."""
        spec = importlib.util.find_spec("drgn")
        if spec is None:
            return self.advice()
        # A module that upstream does not have; that it could be imported says
        # nothing where the finder of an editable installation is at work.
        for place in spec.submodule_search_locations or ():
            if os.path.isfile(os.path.join(place, "target.py")):
                return None
        return f"pydrgn: GDB's Python has another drgn in its path: {spec.origin}"


# Not __file__, which is another script's if that one sources this one.
_wrong = _Loader(os.path.realpath(_Loader.load.__code__.co_filename)).load()
if _wrong is not None:
    print(_wrong, file=sys.stderr)
del _Loader, _wrong, drgn_needs_a_GDB_with_Python
