# cmake -DPROJECT=… -DOUTPUT=… -P WriteCommit.cmake: writes the commit of the checkout into a header, touching it
# only when that changed. "unknown" outside a checkout.
execute_process(COMMAND git -C ${PROJECT} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
endif()
set(text "// The commit this was built from.\n#pragma once\n#define SHOAL_COMMIT \"${commit}\"\n")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT "${before}" STREQUAL "${text}")
  file(WRITE ${OUTPUT} "${text}")
endif()
