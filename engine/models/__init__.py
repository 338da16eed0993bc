"""From a model reference to weights, a tokenizer and a template, for whoever needs them."""
