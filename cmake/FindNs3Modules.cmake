# Finds Debian's ns-3 as imported targets ns3::<module>. Debian's own ns3Config.cmake configures but its targets do
# not link (hard-coded libgsl.so, libxml2 and Python paths).
set(_ns3_modules core network stats bridge traffic-control internet point-to-point)
find_path(NS3_INCLUDE_DIR ns3/simulator.h)
set(_ns3_required NS3_INCLUDE_DIR)
foreach(_module ${_ns3_modules})
  find_library(NS3_${_module}_LIBRARY NAMES ns3.37-${_module} ns3-${_module})
  list(APPEND _ns3_required NS3_${_module}_LIBRARY)
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Ns3Modules REQUIRED_VARS ${_ns3_required})
if(Ns3Modules_FOUND)
  foreach(_module ${_ns3_modules})
    if(NOT TARGET ns3::${_module})
      add_library(ns3::${_module} SHARED IMPORTED)
      set_target_properties(ns3::${_module} PROPERTIES
        IMPORTED_LOCATION "${NS3_${_module}_LIBRARY}"
        INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${NS3_INCLUDE_DIR}")
    endif()
  endforeach()
endif()
