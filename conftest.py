"""How the course's notebooks are run: ``pytest --nbmake chapters``."""
