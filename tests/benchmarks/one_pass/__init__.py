"""The nets of one pass beside onnxruntime: the same numbers, and how fast."""
