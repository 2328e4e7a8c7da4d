"""Tables for people and for programs: text, CSV and JSON of what was analysed."""
