"""What a trained adapter becomes: its own GGUF, merged weights, quantised files, each with a manifest."""
