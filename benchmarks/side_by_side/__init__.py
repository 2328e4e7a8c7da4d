"""Tools that others publish, run beside ours at equal settings: ``make bench-peers``.

None of them is a part of distbench. Each is run where it is installed and left out with the reason
where it is not. (Published implementations of single metrics are in `benchmarks.peers`.)

============== =================================================================================
`fixmatch`     steps of FixMatch: USB (semilearn)
`distilling`   steps of distillation from a teacher: torchdistill
`starting`     how long a command takes that computes nothing: benchopt, lm-eval, mteb
`boards`       100,000 results to a leaderboard: mteb
============== =================================================================================
"""
