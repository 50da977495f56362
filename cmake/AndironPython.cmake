# Finds the Python that builds the extension and that holds the oneDNN wheel. The presets name
# .venv/bin/python; a build by pip names its own.
if(ANDIRON_PYTHON)
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
else()
  find_package(Python 3.10 QUIET COMPONENTS Interpreter)
endif()
