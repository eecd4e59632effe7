"""The warden: the process that keeps the pods' processes. Standard library only; it runs as a program of its own."""
