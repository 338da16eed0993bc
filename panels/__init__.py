"""What is drawn: records in, lines of text out."""
