"""A class: is each machine fit, and what it needs without a network."""
