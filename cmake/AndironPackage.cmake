# libandiron.so, its headers and andironConfig.cmake, for programs outside the tree:
#   find_package(andiron) + target_link_libraries(program PRIVATE andiron::andiron)
get_property(_andiron_folders GLOBAL PROPERTY ANDIRON_FOLDERS)
if(NOT _andiron_folders)
  return()
endif()
