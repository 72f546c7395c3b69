# How a folder becomes a library, and a main file a program.

# loupe_glob(<var> [patterns...] [EXCLUDE regex]): sources below the project's top, looked up again
# at every build.
function(loupe_glob var)
  cmake_parse_arguments(arg "" "EXCLUDE" "" ${ARGN})
  list(TRANSFORM arg_UNPARSED_ARGUMENTS PREPEND ${PROJECT_SOURCE_DIR}/)
  file(GLOB found CONFIGURE_DEPENDS ${arg_UNPARSED_ARGUMENTS})
  if(arg_EXCLUDE)
    list(FILTER found EXCLUDE REGEX "${arg_EXCLUDE}")
  endif()
  set(${var} ${found} PARENT_SCOPE)
endfunction()

# loupe_layer(<name> SOURCES globs... [EXCLUDE regex] LINK libraries...): a static library, or an
# interface library that only passes its dependencies on while the folder has no source.
function(loupe_layer name)
  cmake_parse_arguments(arg "" "EXCLUDE" "SOURCES;LINK" ${ARGN})
  loupe_glob(sources ${arg_SOURCES} EXCLUDE "${arg_EXCLUDE}")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${arg_LINK})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_LINK})
  endif()
endfunction()

# loupe_program(<name> <main file> [LINK libraries...]): one executable at the top of the build folder.
function(loupe_program name main)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  if(NOT arg_LINK)
    set(arg_LINK loupe_server)
  endif()
  loupe_glob(present ${main})
  if(present)
    add_executable(${name} ${present})
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  endif()
endfunction()
