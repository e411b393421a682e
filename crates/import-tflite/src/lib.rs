//! import-tflite
