"""Who gets units of a plan computed: the contract, the units, and the queue that hands them out."""
