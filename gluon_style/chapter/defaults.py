"""The chapter's hyperparameters."""

# The factors of the three losses in their sum (chapter: Combined loss).
CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 1, 1e4, 10
# What each decay multiplies the learning rate by (chapter: Optimization loop).
LR_DECAY = 0.8
