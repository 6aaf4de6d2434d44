"""The methods of style transfer, a folder each."""
