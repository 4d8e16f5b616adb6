// Harness: a few hosts of one kind (in memory, on sockets, simulated), as the conformance suite drives them.
// To run the suite on another kind of host, implement Harness in a file of its own here that ends in a
// SHOAL_CONFORM (suite.h).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "node/ports/hosted_node.h"

namespace shoal::conformance {

enum class Family { kIpv4, kIpv6 };

class Harness {
 public:
  virtual ~Harness() = default;

  // Adds a host of this family, reachable by all others, and attaches `node`, which outlives the harness.
  // Returns its index: 0, 1, ...
  virtual std::size_t add_host(Family family, HostedNode& node) = 0;
  virtual HostPorts ports(std::size_t host) = 0;
  // Where the others reach it.
  virtual Endpoint endpoint(std::size_t host) = 0;
  // Calls run_jobs of the host's node, as an event.
  virtual void wake(std::size_t host) = 0;
  // Lets time pass until done() holds, asked at least once a millisecond of the hosts' time; false when it
  // does not hold after `at_most`.
  virtual bool run_until(const std::function<bool()>& done, Duration at_most) = 0;
  // How long to wait before "nothing more happens" may be said: a few round trips.
  virtual Duration settle_time() const = 0;

  // An endpoint at which nothing runs: a connect there is refused, or is silent.
  virtual Endpoint nobody() = 0;

  // What this kind of host cannot do, as the sentence to show when tests are skipped for it; empty: it can.
  virtual std::string lacks_ipv6() const { return {}; }
  virtual std::string lacks_multicast() const { return {}; }
  virtual std::string lacks_loss() const { return {}; }
  // From now on this share of all datagrams is lost. Called only when lacks_loss() is empty.
  virtual void set_loss(double /*share*/) {}
};

// Each test makes exactly one harness, and CTest runs each test in a process of its own.
struct HarnessKind {
  const char* name;
  std::unique_ptr<Harness> (*make)();
};

}  // namespace shoal::conformance
