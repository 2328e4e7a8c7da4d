"""How long a run will take, told before it begins and while it goes on."""
