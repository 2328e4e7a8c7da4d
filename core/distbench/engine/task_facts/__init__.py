"""What is found out about the images of a task before anything is trained on them."""
