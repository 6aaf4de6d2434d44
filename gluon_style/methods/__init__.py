"""The methods of style transfer, a folder each. No MXNet."""

# The names that records have, and where each method's ``stylize`` is.
METHODS = {'gatys': 'gluon_style.methods.gatys.stylize'}
# Seconds that a user waits for a picture without a warning.
PATIENCE = 600
