# Which helpers take the default program, and what they make of it.
import contextlib
import importlib
import inspect
import io
import pkgutil

from drgn import NoDefaultProgramError, Object, set_default_prog
from drgn.helpers import common, experimental, linux


def describe(function, *arguments):
    """The first thing that a helper gives, with what it prints."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            found = function(*arguments)
        found = next(found, None) if hasattr(found, "__next__") else found
    except Exception as error:
        return type(error).__name__
    if isinstance(found, Object):
        return found.type_.type_name(), hex(found)
    return type(found).__name__, str(found)[:80], printed.getvalue()[:80]


takers = []
set_default_prog(None)
for package in (common, experimental, linux):
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{module.name}")
        for name in sorted(module.__all__):
            function = getattr(module, name)
            if not inspect.isfunction(function):
                continue
            try:
                function()
            except NoDefaultProgramError:
                print(module.__name__, name)
                takers.append(function)
            except TypeError:
                pass  # It takes something else.
set_default_prog(prog)
for function in takers:
    if function.__name__ == "netdev_get_by_name":
        continue  # Upstream takes the program for a name.
    print(function.__name__, describe(function) == describe(function, prog))
    if function.__name__ != "load_module_kallsyms":  # A symbol index has an address.
        print(describe(function))
