"""The application: the command line, and the terminal that a person sees."""
