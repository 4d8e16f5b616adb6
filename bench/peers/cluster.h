// A cluster of nodes of one implementation in this process, and the same measurement for all: what
// bench/peers/measure.py compares. Each program links one implementation and prints one JSON object.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace shoal::peers {

struct Options {
  std::size_t nodes = 64;
  std::size_t value_bytes = 100;
  std::size_t operations = 1000;
  std::size_t in_flight = 16;  // of the puts; gets go one by one
  double settle_s = 40;        // for tables to fill
  double idle_s = 10;          // nothing is asked
  double flood_s = 3;          // the first node is asked as fast as it answers, for pings and for hosts
};

using Done = std::function<void(bool success)>;

// Nodes on loopback, each with a port of its own; the first is the one that the others know.
class Cluster {
 public:
  virtual ~Cluster() = default;
  // Stores a value of its own for each `value`; `done` when it is acknowledged.
  virtual void put(std::size_t node, std::size_t value, std::size_t bytes, Done done) = 0;
  // `done` when the value is there, or when it cannot be found.
  virtual void get(std::size_t node, std::size_t value, Done done) = 0;
  // Lets the nodes work until `is_over`, which is asked after each that was done, or until so much time has
  // gone by.
  virtual void run(double seconds, const std::function<bool()>& is_over) = 0;
  // How the flooder is to ask the first node: --protocol, --to and what else it needs.
  virtual std::string flooder_options() const = 0;
};

// Of nodes that run on threads of their own.
class ThreadedCluster : public Cluster {
 public:
  void run(double seconds, const std::function<bool()>& is_over) override;

 protected:
  // From the thread of a node: `done` is called by run().
  void end(Done done, bool success);

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<std::pair<Done, bool>> ended_;  // guarded by mutex_
};

// What the value of this number holds.
std::string value_of(std::size_t value, std::size_t bytes);

// Has the flooder, a process of its own, ask a node of this process, and prints `"flood": {...}` without a
// comma: what a reply takes of this process's processor time, among others. `before` is told what is asked,
// "ping" or "find". False when the flooder failed.
bool measure_floods(const std::string& flooder_options, double seconds,
                    const std::function<void(const std::string& what)>& before = {});

// Measures and prints. Returns the exit status: 0, or 1 when operations failed.
int measure(Cluster& cluster, const Options& options);

// Of the command line: --nodes N --value-bytes N --operations N --in-flight N --settle S --idle S --flood S.
// Exits with 2 on others.
Options read_options(std::span<char*> arguments);

}  // namespace shoal::peers
