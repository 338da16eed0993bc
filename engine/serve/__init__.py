"""From a model reference to a running endpoint, and the one client that talks to it."""
