"""Many runs compared: metrics against what sources lead to, teams, and a value that is varied."""
