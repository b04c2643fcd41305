"""`python -m gateway_proxy.documentation FOLDER`: the programs of the page /docs, into the folder that nginx serves.

Swagger UI comes out of an installed package, so that the page needs no file from another host. Only the package's
files are used; it is not imported.
"""

import importlib.util
import shutil
import sys
from pathlib import Path

PACKAGE = "fastapi_offline"
FILES = ("swagger-ui-bundle.js", "swagger-ui.css")


class DocumentationError(Exception):
    """The package with the page's programs is not there."""


def add_programs(public: Path) -> None:
    """Copies Swagger UI into `public/docs`, readable by whoever nginx runs as."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DocumentationError(f"the package {PACKAGE} is not installed")
    source = Path(found.submodule_search_locations[0]) / "static"
    folder = public / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name in FILES:
        shutil.copyfile(source / name, folder / name)
        (folder / name).chmod(0o644)


if __name__ == "__main__":
    try:
        add_programs(Path(sys.argv[1]))
    except DocumentationError as error:
        sys.exit(str(error))
