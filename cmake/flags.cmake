# Language, warnings, hardening, sanitizers and the compiler cache.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Assertions stay in: they state what the code relies on, and wire data never reaches one.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

find_program(LOUPE_CCACHE ccache)
if(LOUPE_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${LOUPE_CCACHE})
endif()

add_compile_definitions(_GNU_SOURCE LOUPE_VERSION="${PROJECT_VERSION}")
include_directories(${PROJECT_SOURCE_DIR})

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wno-format-nonliteral
  -Wno-missing-field-initializers) # fields left out are zero, on purpose
if(LOUPE_WERROR)
  # Libraries newer than the ones at hand may deprecate a call: worth a line, not a broken build.
  add_compile_options(-Werror -Wno-error=deprecated-declarations)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # What these see depends on the optimiser's release, and some of it is not there.
    add_compile_options(-Wno-error=stringop-overflow -Wno-error=stringop-overread
      -Wno-error=array-bounds -Wno-error=maybe-uninitialized -Wno-error=format-truncation)
  endif()
endif()

add_compile_options(-fstack-protector-strong -fno-common)
add_link_options(-Wl,-z,relro -Wl,-z,now)

if(LOUPE_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "LOUPE_FUZZ needs clang: configure with the preset 'fuzz'")
endif()

if(LOUPE_FUZZ)
  set(loupe_sanitizers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
elseif(LOUPE_SANITIZE STREQUAL "address")
  set(loupe_sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(LOUPE_SANITIZE STREQUAL "thread")
  set(loupe_sanitizers -fsanitize=thread)
elseif(NOT LOUPE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "LOUPE_SANITIZE is '${LOUPE_SANITIZE}': address or thread")
endif()

if(loupe_sanitizers)
  # Lines for stack traces, and no more: the sanitizers' builds are made often.
  set(CMAKE_C_FLAGS_RELEASE "-O1 -g1")
  add_compile_options(${loupe_sanitizers} -fno-omit-frame-pointer)
  add_link_options(${loupe_sanitizers})
  # Hundreds of test programs, each with the sanitizers' own: lld takes a fifth of the time for it.
  find_program(LOUPE_LLD ld.lld)
  if(LOUPE_LLD AND CMAKE_C_COMPILER_ID MATCHES Clang)
    add_link_options(-fuse-ld=lld)
  endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
