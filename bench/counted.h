// Benchmarks whose instructions ci/record counts (bench/tracked.yaml names them). Under callgrind a clock
// says nothing, so these run as many iterations as they are told; what they do must not depend on time or
// chance.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace shoal {

// For BENCHMARK(...)->Apply(counted), the last of its options: SHOAL_BENCH_ITERATIONS in the environment,
// when set, is the number of iterations. Preparations cancel out where two numbers are compared.
inline void counted(benchmark::internal::Benchmark* benchmark) {
  const char* iterations = std::getenv("SHOAL_BENCH_ITERATIONS");
  if (iterations != nullptr) benchmark->Iterations(std::atoll(iterations));
}

}  // namespace shoal
