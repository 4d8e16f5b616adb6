// The conformance suite: one fixture for all tests, run on every kind of host.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/conformance/harness.h"
#include "tests/conformance/probe.h"

namespace shoal::conformance {

inline void PrintTo(const HarnessKind& kind, std::ostream* out) {
  *out << kind.name;
}

class Conformance : public testing::TestWithParam<HarnessKind> {
 protected:
  struct Opened {
    StreamId connector;  // at the probe that connected
    StreamId acceptor;   // at the one that listens
  };

  Conformance();

  // A host with a probe on it, which has had its first event.
  std::size_t add_host(Family family = Family::kIpv4);
  Probe& probe(std::size_t host) { return *probes_.at(host); }
  // Runs the action inside the probe's next run_jobs, and returns after it.
  void act(std::size_t host, std::function<void()> action);
  bool until(const std::function<bool()>& done, Duration at_most = 20s);
  // For "nothing more happens".
  void settle();
  // Has `to` listen, and opens a stream to it. Fails the test fatally when that does not work.
  void open(std::size_t from, std::size_t to, Opened& opened);

  static Bytes pattern(std::size_t count, std::uint8_t salt = 0);

 private:
  std::vector<std::unique_ptr<Probe>> probes_;  // they outlive the harness

 protected:
  std::unique_ptr<Harness> harness_;
};

// Skips the test, in sight, when the harness lacks what it needs: SKIP_IF(harness_->lacks_ipv6()).
#define SKIP_IF(reason) \
  if (const std::string why = reason; !why.empty()) GTEST_SKIP() << why

// At the end of a harness's file, inside namespace shoal::conformance.
#define SHOAL_CONFORM(Name, make)                                                        \
  INSTANTIATE_TEST_SUITE_P(Name, Conformance, testing::Values(HarnessKind{#Name, make}), \
                           [](const testing::TestParamInfo<HarnessKind>&) { return "host"; })

}  // namespace shoal::conformance
