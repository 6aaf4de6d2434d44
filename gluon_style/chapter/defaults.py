"""The chapter's hyperparameters. No MXNet."""

# Factors of the three losses in their sum (chapter: Combined loss).
CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 1, 1e4, 10
# The factor of the learning rate at each decay (chapter: Optimization loop).
LR_DECAY = 0.8
