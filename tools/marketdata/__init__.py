"""`pitwire data`: books rebuilt from market-data files, and what is in a file."""
