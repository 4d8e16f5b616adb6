# The flags that every target of ours is built with, in one place.

add_library(shoal_flags INTERFACE)
# A run of the simulator is a function of scenario, seed and build: no contraction of a*b+c, which differs by
# target, and no fast-math.
# g++ 12 reports the inactive alternatives of a moved std::variant as maybe uninitialized (GCC bug 105562 and kin).
target_compile_options(shoal_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-maybe-uninitialized
                                             -ffp-contract=off)
# ... and at -O3 any "literal" + std::string as overlapping (GCC bug 105651).
target_compile_options(shoal_flags INTERFACE $<$<CONFIG:Release>:-Wno-restrict>)
target_include_directories(shoal_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(SHOAL_WERROR)
  target_compile_options(shoal_flags INTERFACE -Werror)
endif()
if(SHOAL_SANITIZE)
  # Half the time to compile that -O2 -g takes; stack traces have their lines all the same.
  target_compile_options(shoal_flags INTERFACE -O1 -g1 -fsanitize=address,undefined
                                               -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(shoal_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SHOAL_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "SHOAL_FUZZ needs libFuzzer: configure with -DCMAKE_CXX_COMPILER=clang++")
  endif()
  target_compile_options(shoal_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined
                                               -fno-sanitize-recover=undefined -fno-omit-frame-pointer
                                               -include ${CMAKE_SOURCE_DIR}/tests/fuzz/source_location.h)
  target_link_options(shoal_flags INTERFACE -fsanitize=address,undefined)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# shoal_sources(VARIABLE FOLDER...): every .cpp directly in the folders. A file in a folder belongs to the target
# that owns the folder; there is no second list to keep.
function(shoal_sources variable)
  set(found)
  foreach(folder ${ARGN})
    file(GLOB files CONFIGURE_DEPENDS ${folder}/*.cpp)
    list(APPEND found ${files})
  endforeach()
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

# shoal_tests_of_label(LABEL TARGET): makes TARGET part of `tests_LABEL`, which builds what the tests of one label run.
function(shoal_tests_of_label label target)
  if(NOT TARGET tests_${label})
    add_custom_target(tests_${label})
  endif()
  add_dependencies(tests_${label} ${target})
endfunction()

# shoal_test(NAME LABELS label... LIBRARIES library... SOURCES file...): a GoogleTest program, one CTest a test case.
function(shoal_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS;LIBRARIES;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  # Tests are compiled more than they compute: a third less time. What they test has the flags of the build type.
  target_compile_options(${name} PRIVATE $<$<BOOL:${SHOAL_SANITIZE}>:-O0> $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  foreach(label ${ARG_LABELS})
    shoal_tests_of_label(${label} ${name})
  endforeach()
endfunction()
include(GoogleTest)
