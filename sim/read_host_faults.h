// The faults of single hosts, and what machines hosts run on, as a scenario's sections have them.
#pragma once

#include "sim/scenario.h"
#include "sim/yaml_section.h"

namespace shoal::sim {

// Each reads the key of its fault.
SlowFault read_slow(Section& fault);
ClockFault read_clock_fault(Section& fault);
StoreFault read_store_fault(Section& fault);
BitRotFault read_bit_rot(Section& fault);

// population.cpu and population.clock
void read_machines(Section& population, PopulationSpec& out);

}  // namespace shoal::sim
