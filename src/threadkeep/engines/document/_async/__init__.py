"""What is written once for tasks and for threads: the engine over a program's driver."""
