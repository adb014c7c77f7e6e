"""The stakeholders' dashboard: ipywidgets over stored results; it computes no statistics.

`view.open_dashboard` gives the page as a widget, `serve.serve` serves it with Voila.
"""
