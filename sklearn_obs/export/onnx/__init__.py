"""Export to ONNX: `file` writes what `graph` converts; `inputs` and `steps` prepare the model."""
