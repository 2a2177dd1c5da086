"""The small package behind the course: what a chapter derives, later chapters import from here."""
