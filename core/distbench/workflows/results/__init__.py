"""Results as data: the frames that runs, bundles and folders of them are read into."""
