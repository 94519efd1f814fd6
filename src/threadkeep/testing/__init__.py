"""The kit for those who write or change an engine: suites, races, crashes, counters."""
