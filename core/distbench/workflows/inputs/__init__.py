"""Where results are read from: runs' folders, bundles, and the Hub's repositories of bundles."""
