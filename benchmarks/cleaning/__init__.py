"""Parts of `cleaning_accuracy`: what is planted, how it is scored, how it is written down."""
