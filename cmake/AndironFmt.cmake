# The target andiron_fmt: {fmt}, compiled once where its version is one that cmake/fmt.cpp knows.
if(fmt_VERSION VERSION_GREATER_EQUAL 9 AND fmt_VERSION VERSION_LESS 11)
  add_library(andiron_fmt STATIC "${PROJECT_SOURCE_DIR}/cmake/fmt.cpp")
  target_compile_features(andiron_fmt PUBLIC cxx_std_20)
  target_compile_options(andiron_fmt PRIVATE ${ANDIRON_BASELINE_FLAGS})
  target_include_directories(andiron_fmt SYSTEM PUBLIC
    "$<TARGET_PROPERTY:fmt::fmt-header-only,INTERFACE_INCLUDE_DIRECTORIES>")
else()
  add_library(andiron_fmt INTERFACE)
  target_link_libraries(andiron_fmt INTERFACE fmt::fmt-header-only)
endif()
