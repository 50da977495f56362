# The target andiron_protozero: protozero's headers, which read and write protocol buffers with
# bounds checks (Debian's libprotozero-dev). Nothing of it is needed at run time.
find_path(ANDIRON_PROTOZERO_INCLUDE protozero/pbf_reader.hpp REQUIRED)
mark_as_advanced(ANDIRON_PROTOZERO_INCLUDE)
add_library(andiron_protozero INTERFACE)
target_include_directories(andiron_protozero SYSTEM INTERFACE "${ANDIRON_PROTOZERO_INCLUDE}")
