"""A fitted model as ONNX: `file` writes, `graph` converts, of what `inputs` and `steps` say."""
