"""Export of fitted networks as C99, ONNX or skops files, as text or rules, and their sizes."""

from sklearn_obs.export.c.file import CSource, export_c
from sklearn_obs.export.formula.rules import export_rules
from sklearn_obs.export.formula.text import export_text
from sklearn_obs.export.integer.predict import integer_predict
from sklearn_obs.export.onnx.file import ONNXFile, export_onnx, register_onnx
from sklearn_obs.export.size import size_report
from sklearn_obs.export.skops import export_skops, load_skops

__all__ = [
    "CSource",
    "ONNXFile",
    "export_c",
    "export_onnx",
    "export_rules",
    "export_skops",
    "export_text",
    "integer_predict",
    "load_skops",
    "register_onnx",
    "size_report",
]
