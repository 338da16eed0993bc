"""What is persisted, one frozen type per thing. Knows nothing of files."""
