"""Threads, an event loop, processes, signals and stops, without any knowledge of tasks or SWF."""
