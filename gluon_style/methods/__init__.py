"""The methods of style transfer, a folder each; what they share beside them.

No MXNet here.
"""

# Seconds that a user waits for a picture without a warning.
PATIENCE = 600
