"""How the documentation becomes a site: `make docs` writes it to `site`."""

project = "distbench"
author = "The distbench developers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "distbench"
html_copy_source = False
html_show_copyright = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nitpicky = True
