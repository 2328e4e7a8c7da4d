"""What commands print: lines, bars and tables."""
