"""Threads, an event loop, processes, signals and stops; nothing here knows of tasks or SWF."""
