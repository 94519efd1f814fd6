"""What is written once for tasks and for threads: where the nodes are and what is sent again."""
