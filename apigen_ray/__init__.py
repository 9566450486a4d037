"""apigen-ray turns a library of executable APIs into verified, diverse function-calling training data."""

__version__ = "0.1.0"
