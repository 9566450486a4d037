"""The built-in functions: one module per category, its name in ``CATEGORY``, its functions in ``__all__``.

Each module stands alone: standard library only, no file, network, clock or chance, so that the same call gives the
same result wherever it is executed. Arguments and results are plain JSON data; a value that makes no sense raises
``ValueError`` with a sentence that says why.
"""
