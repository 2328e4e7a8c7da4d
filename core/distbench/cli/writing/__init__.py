"""Commands for those who write: packages begun, and the forms of files."""
