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
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["versions.css"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "versions.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
