"""``python -m analysis`` is the command ``tierlab``."""

from .cli import main

if __name__ == "__main__":
    main()
