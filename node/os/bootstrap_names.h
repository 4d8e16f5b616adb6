// BootstrapNames: looks up the names among the bootstrap entries, and does so again for as long as the node
// has nobody to speak to: hosts behind dynamic addresses have no other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/base/endpoint.h"
#include "node/control/daemon_config.h"
#include "node/os/event_loop.h"
#include "node/os/uv_handle.h"

namespace shoal {

class BootstrapNames {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // On the loop's thread; in the order of the names. At least one is new or gone.
    virtual void on_bootstrap_found(std::vector<Endpoint> endpoints) = 0;
    // `why`: the resolver's words. Once, until the name is found.
    virtual void on_name_not_found(const HostName& name, const std::string& why) = 0;
    virtual bool needs_bootstrap() const = 0;
  };

  // Begins at once, on a thread of its own: the system's resolver blocks, for many seconds when no server
  // answers. Nothing here waits for it.
  BootstrapNames(EventLoop& loop, std::vector<HostName> names, Listener& listener);
  ~BootstrapNames();
  BootstrapNames(const BootstrapNames&) = delete;
  BootstrapNames& operator=(const BootstrapNames&) = delete;

 private:
  struct Desk;  // where the thread hands in what it has found
  struct Found {
    std::vector<Endpoint> endpoints;
    std::string why;  // there are none
  };

  static Found look_up(const HostName& name);
  void begin();
  void on_timer();
  void take(std::vector<Found> found);

  std::vector<HostName> names_;
  Listener& listener_;
  std::shared_ptr<Desk> desk_;
  UvHandle<uv_timer_t> timer_;
  bool is_looking_ = false;
  std::vector<Endpoint> endpoints_;
  std::vector<bool> is_missing_;  // of each name: so the listener was told
};

}  // namespace shoal
