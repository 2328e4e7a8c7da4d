"""What methods give to the training loop: phases, streams of images, optimisers."""
