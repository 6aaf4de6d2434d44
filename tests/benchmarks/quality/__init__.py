"""How much of the content a picture keeps, and how much style it takes."""
