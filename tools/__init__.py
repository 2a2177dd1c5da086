"""For those who maintain the course or teach with it; each runs as ``python -m tools.NAME``."""
