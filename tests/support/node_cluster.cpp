#include "tests/support/node_cluster.h"

#include <fmt/format.h>

#include <utility>

#include "node/base/check.h"

namespace shoal {
namespace {

constexpr CommandId kNobodyWaits{0};
// Of a host with a disk.
constexpr Duration kCommitTime = 1ms;

}  // namespace

class NodeCluster::Host final : public HostedNode, private NodeListener, private CommitSink {
 public:
  Host(ManualNetwork& network, ManualNetwork::HostIndex index, ContactBook& book, KeyPair keys, Rng rng,
       NodeConfig config, CipherKind cipher, JobWatcher* watcher, bool has_disk)
      : network_(network),
        index_(index),
        book_(book),
        keys_(std::move(keys)),
        rng_(std::move(rng)),
        config_(std::move(config)),
        cipher_(cipher),
        watcher_(watcher),
        items_(*this) {
    CommitSink& sink = *this;
    if (has_disk) disk_ = std::make_unique<HostDisk>(network, sink, rng_.fork());
    start();
  }
  ~Host() override { stop(); }

  void start() {
    const HostPorts ports = network_.ports(index_);
    // One that has taken another key.
    if (const auto identity = hosts_.load_identity()) keys_ = KeyPair::from_seed(identity->key_seed);
    NodePorts of_node{ports.clock, ports.alarm, ports.datagrams, ports.streams, items_,
                      hosts_,      book_,       *this,           watcher_};
    if (disk_) {
      disk_->mount();
      of_node.index = &disk_->index();
      of_node.folders = &disk_->folders();
      of_node.pool = &disk_->pool();
    }
    node_.emplace(config_, keys_, ++boots_, cipher_, rng_.fork(), of_node);
    if (disk_) disk_->start(index_, *node_);
    network_.attach(index_, *this);
    node_->on_groups(groups_);
    node_->start();
    network_.wake(index_);
  }
  void stop() {
    if (!node_) return;
    network_.detach(index_);
    node_.reset();
    if (disk_) disk_->stop();
  }
  void set_groups(std::vector<GroupKey> groups) {
    groups_ = std::move(groups);
    node_->on_groups(groups_);
    network_.wake(index_);
  }
  std::vector<NodeEvent> take_events() { return std::exchange(events_, {}); }
  void move_to(ManualNetwork::HostIndex index) { index_ = index; }
  const NodeConfig& config() const { return config_; }
  CipherKind cipher() const { return cipher_; }

  PortEvents& events() override { return *node_; }
  bool run_jobs() override {
    const bool more = node_ && node_->run_jobs(64);
    if (watcher_ != nullptr) watcher_->on_jobs_done();
    return more;
  }

  Node* node() { return node_ ? &*node_ : nullptr; }
  MemoryHostStore& hosts() { return hosts_; }
  FlakyItemStore& items() { return items_; }
  HostDisk* disk() { return disk_.get(); }
  const KeyPair& keys() const { return keys_; }
  ManualNetwork::HostIndex index() const { return index_; }
  std::map<CommandId, CommandResult>& results() { return results_; }

 private:
  void on_command_result(CommandId command, const CommandResult& result) override {
    if (command != kNobodyWaits) results_.insert_or_assign(command, result);
  }
  void on_event(const NodeEvent& event) override { events_.push_back(event); }
  void on_stopped() override {}
  void committed(CommitId commit, const Result<void>& outcome) override {
    const Instant when = network_.now() + (disk_ ? kCommitTime : Duration::zero());
    network_.at(when, [this, alive = std::weak_ptr<bool>(alive_), boot = boots_, commit, outcome] {
      if (alive.expired() || !node_ || boot != boots_) return;
      if (disk_) disk_->index().settle(commit);
      node_->on_committed(commit, outcome);
      network_.wake(index_);
    });
  }

  ManualNetwork& network_;
  ManualNetwork::HostIndex index_;
  ContactBook& book_;
  KeyPair keys_;
  Rng rng_;
  NodeConfig config_;
  CipherKind cipher_;
  JobWatcher* watcher_;
  FlakyItemStore items_;
  MemoryHostStore hosts_;
  std::unique_ptr<HostDisk> disk_;
  std::uint64_t boots_ = 0;
  std::optional<Node> node_;
  std::map<CommandId, CommandResult> results_;
  std::vector<GroupKey> groups_;
  std::vector<NodeEvent> events_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

NodeCluster::NodeCluster(std::uint64_t seed, JobWatcher* watcher)
    : network_(seed), seed_(seed), watcher_(watcher) {
  init_crypto();
}

NodeCluster::~NodeCluster() = default;

std::size_t NodeCluster::add(std::vector<std::size_t> via, NodeConfig config, CipherKind cipher) {
  const std::size_t host = hosts_.size();
  for (const std::size_t other : via) config.bootstrap.push_back(network_.endpoint(index(other)));
  const std::string name = fmt::format("host {}", host);
  hosts_.push_back(std::make_unique<Host>(
      network_, network_.add_host(), book_, KeyPair::from_seed(Rng::keyed(seed_, name, "key").seed()),
      Rng::keyed(seed_, name, "node"), std::move(config), cipher, watcher_, has_disks_));
  return host;
}

void NodeCluster::add_many(std::size_t count, const NodeConfig& config) {
  for (std::size_t i = 0; i < count; ++i) {
    add(hosts_.empty() ? std::vector<std::size_t>{} : std::vector<std::size_t>{0}, config);
  }
}

void NodeCluster::set_groups(std::size_t host, std::vector<GroupKey> groups) {
  check(running(host));
  hosts_[host]->set_groups(std::move(groups));
}

std::vector<std::pair<std::size_t, NodeEvent>> NodeCluster::take_events() {
  std::vector<std::pair<std::size_t, NodeEvent>> all;
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    for (NodeEvent& event : hosts_[host]->take_events()) all.emplace_back(host, std::move(event));
  }
  return all;
}

void NodeCluster::crash(std::size_t host) {
  hosts_.at(host)->stop();
}

void NodeCluster::lose_power(std::size_t host, MemoryDisk::CrashOrder order) {
  crash(host);
  disk(host).lose_power(order);
}

void NodeCluster::restart(std::size_t host, std::optional<Endpoint> endpoint) {
  crash(host);
  if (endpoint) hosts_[host]->move_to(network_.add_host(*endpoint));
  hosts_[host]->start();
}

void NodeCluster::replace(std::size_t host) {
  std::unique_ptr<Host>& place = hosts_.at(host);
  const ManualNetwork::HostIndex index = place->index();
  const NodeConfig config = place->config();
  const CipherKind cipher = place->cipher();
  const bool has_disk = place->disk() != nullptr;
  const std::string name = fmt::format("host {}, {}", host, ++replacements_);
  place.reset();
  place = std::make_unique<Host>(network_, index, book_,
                                 KeyPair::from_seed(Rng::keyed(seed_, name, "key").seed()),
                                 Rng::keyed(seed_, name, "node"), config, cipher, watcher_, has_disk);
}

Node& NodeCluster::node(std::size_t host) {
  check(running(host));
  return *hosts_[host]->node();
}

bool NodeCluster::running(std::size_t host) const {
  return hosts_.at(host)->node() != nullptr;
}

Contact NodeCluster::contact(std::size_t host) const {
  return {hosts_.at(host)->keys().public_key(), network_.endpoint(hosts_[host]->index())};
}

const KeyPair& NodeCluster::keys(std::size_t host) const {
  return hosts_.at(host)->keys();
}

MemoryHostStore& NodeCluster::host_store(std::size_t host) {
  return hosts_.at(host)->hosts();
}

FlakyItemStore& NodeCluster::item_store(std::size_t host) {
  return hosts_.at(host)->items();
}

HostDisk& NodeCluster::disk(std::size_t host) {
  HostDisk* disk = hosts_.at(host)->disk();
  check(disk != nullptr, "it was added before give_disks()");
  return *disk;
}

ManualNetwork::HostIndex NodeCluster::index(std::size_t host) const {
  return hosts_.at(host)->index();
}

void NodeCluster::begin(std::size_t host, Command command) {
  node(host).on_command(kNobodyWaits, std::move(command));
  network_.wake(index(host));
}

CommandResult NodeCluster::run(std::size_t host, Command command, Duration at_most) {
  const CommandId id{++commands_};
  node(host).on_command(id, std::move(command));
  network_.wake(index(host));
  auto& results = hosts_[host]->results();
  if (!network_.run_until([&] { return results.contains(id); }, at_most)) {
    return fail(ErrorCode::kTimeout, "the command had no result in time");
  }
  CommandResult result = std::move(results.at(id));
  results.erase(id);
  return result;
}

}  // namespace shoal
