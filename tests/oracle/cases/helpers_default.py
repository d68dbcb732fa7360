# Which helpers take the default program, and miss it where there is none.
import importlib
import inspect
import pkgutil

from drgn import NoDefaultProgramError, set_default_prog
from drgn.helpers import common, experimental, linux

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
            except TypeError:
                pass  # It takes something else.
set_default_prog(prog)
