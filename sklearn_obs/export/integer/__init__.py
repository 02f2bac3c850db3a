"""A quantized network in whole numbers: what `network` has, `predict` and the C compute."""
