// Random histories of a few replicas that change, apply and pull in any order. A step is a random number, so
// a history that fails is made shorter. RC_PARAMS (RapidCheck) gives other seeds and more histories.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/sync/folder_replica.h"
#include "tests/unit/sync/reference_view.h"

namespace shoal::sync {
namespace {

// Before the first property reads it.
const int kParamsAreSet = setenv("RC_PARAMS", "seed=17 max_success=60 max_size=80", 0);

using Steps = std::vector<std::uint64_t>;

rc::Gen<Steps> some_steps() {
  const auto step = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
  return rc::gen::container<Steps>(step);
}

// Some are too long for the buffer within a std::string; some differ only in case, or as NFC and NFD.
const std::vector<std::string> kNames = {"a",      "A",      "a longer name.txt", "A Longer Name.TXT",
                                         "\u00e9", "e\u0301"};

// The history, and what a person may hold us to of it.
class History {
 public:
  explicit History(const Steps& steps) {
    replicas = some_replicas(static_cast<std::uint8_t>(2 + steps.size() % 3));
    for (const std::uint64_t step : steps) take(step);
  }

  std::vector<FolderReplica> replicas;
  std::set<Id> written;          // the roots of all contents
  std::set<Id> gone;             // those replaced or deleted by somebody who had them
  std::set<NodeId> directories;  // that were made
  std::set<NodeId> gone_directories;

 private:
  void take(std::uint64_t step) {
    const auto draw = [&](std::uint64_t below) {
      const std::uint64_t drawn = step % below;
      step /= below;
      return drawn;
    };
    const std::uint64_t kind = draw(11);
    FolderReplica& replica = replicas[draw(replicas.size())];
    // Clocks go as they like, and some hosts have none.
    replica.set_clock(step % 5 == 0 ? 0 : 1 + step / 7 % 40);
    if (kind <= 1) {
      replica.pull(replicas[draw(replicas.size())], 1 + draw(2000));
      return;
    }
    if (kind == 2) return replica.apply();
    if (kind == 3) {
      // Some only, as when the content of the others is still on its way; moves need not wait for it.
      const std::uint64_t chosen = draw(4);
      for (const NodeId& id : replica.tree().ids()) {
        if (id.counter % 4 == chosen) {
          replica.apply(id);
        } else if (chosen % 2 == 0) {
          replica.apply_place(id);
        }
      }
      return;
    }
    const NodeId parent = some_directory(replica, draw(8));
    const std::string name = kNames[draw(kNames.size())];
    if (kind == 4) {
      directories.insert(replica.create(parent, name, directory()));
      return;
    }
    if (kind == 5) {
      const Content content = draw(4) == 0 ? file_of(draw(3)) : file_of(100 + written.size());
      written.insert(content.root);
      replica.create(parent, name, content);
      return;
    }
    const std::vector<NodeId> held = at_hand(replica);
    if (held.empty()) return;
    const NodeId id = held[draw(held.size())];
    const Shown on_disk = replica.disk().at(id).shown;
    const bool is_directory = on_disk.content.kind == NodeKind::kDirectory;
    if (kind <= 7 && !is_directory) {
      const Content content = draw(4) == 0 ? file_of(draw(3)) : file_of(100 + written.size());
      replica.edit(id, content);
      gone.insert(on_disk.content.root);
      written.insert(content.root);
    } else if (kind == 8) {
      std::set<NodeId> doomed = {id};
      remove(replica, id, doomed);
    } else if (kind == 9) {
      replica.set_mode(id, draw(2) == 0 ? 0600 : 0644);
    } else if (!is_below(replica, parent, id)) {
      replica.move(id, parent, name);
    }
  }

  // What lies in a directory goes before it.
  void remove(FolderReplica& replica, const NodeId& id, std::set<NodeId>& doomed) {
    std::vector<NodeId> below;
    for (const auto& [other, held] : replica.disk()) {
      if (held.shown.parent == id && doomed.insert(other).second) below.push_back(other);
    }
    for (const NodeId& other : below) {
      if (replica.disk().contains(other)) remove(replica, other, doomed);
    }
    if (!replica.disk().contains(id) || !replica.tree().shown(id)) return;
    const Shown on_disk = replica.disk().at(id).shown;
    if (on_disk.content.kind == NodeKind::kDirectory) {
      for (const NodeId& member : replica.tree().members(id)) gone_directories.insert(member);
    } else {
      gone.insert(on_disk.content.root);
    }
    replica.remove(id);
  }

  static std::vector<NodeId> at_hand(const FolderReplica& replica) {
    std::vector<NodeId> ids;
    for (const auto& [id, held] : replica.disk()) {
      if (replica.tree().shown(id)) ids.push_back(id);
    }
    return ids;
  }
  static NodeId some_directory(const FolderReplica& replica, std::uint64_t choice) {
    std::vector<NodeId> ids = {kRoot};
    for (const NodeId& id : at_hand(replica)) {
      if (replica.tree().shown(id)->content.kind == NodeKind::kDirectory) ids.push_back(id);
    }
    return ids[choice % ids.size()];
  }
  static bool is_below(const FolderReplica& replica, NodeId at, const NodeId& above) {
    while (at != kRoot && at != above) at = replica.tree().shown(at)->parent;
    return at == above;
  }
};

std::vector<Shown> all_shown(const Tree& tree) {
  std::vector<Shown> all;
  for (const NodeId& id : tree.ids()) {
    if (const auto shown = tree.shown(id)) all.push_back(*shown);
  }
  return all;
}

bool shows_content(const Tree& tree, const Id& root) {
  const auto all = all_shown(tree);
  return std::any_of(all.begin(), all.end(), [&](const Shown& shown) { return shown.content.root == root; });
}

RC_GTEST_PROP(Convergence, ReplicasThatKnowTheSameShowTheSame, ()) {
  History history(*some_steps());
  exchange_all(history.replicas, 700);
  const FolderReplica& first = history.replicas.front();
  for (const FolderReplica& other : history.replicas) {
    RC_ASSERT(other.knowledge() == first.knowledge());
    RC_ASSERT(other.tree().ids() == first.tree().ids());
    RC_ASSERT(all_shown(other.tree()) == all_shown(first.tree()));
    RC_ASSERT(other.tree().fingerprint() == first.tree().fingerprint());
  }
}

RC_GTEST_PROP(Convergence, TheOrderAndRepetitionOfJoinsDoNotMatter, ()) {
  const Steps steps = *some_steps();
  History history(steps);
  std::vector<Entry> joined;
  for (const FolderReplica& replica : history.replicas) {
    joined.insert(joined.end(), replica.joined().begin(), replica.joined().end());
  }
  Tree in_order;
  for (const Entry& entry : joined) in_order.join(entry);
  std::mt19937_64 rng(steps.size());
  joined.insert(joined.end(), joined.begin(),
                joined.begin() + static_cast<std::ptrdiff_t>(joined.size() / 2));
  std::shuffle(joined.begin(), joined.end(), rng);
  Tree shuffled;
  for (const Entry& entry : joined) shuffled.join(entry);
  RC_ASSERT(all_shown(in_order) == all_shown(shuffled));
  RC_ASSERT(in_order.fingerprint() == shuffled.fingerprint());
}

RC_GTEST_PROP(Convergence, WhatIsShownIsATreeWithNamesThatDiffer, ()) {
  History history(*some_steps());
  for (const FolderReplica& replica : history.replicas) {
    const Tree& tree = replica.tree();
    RC_ASSERT(shown_paths(tree).size() == all_shown(tree).size());  // all hang from the root
    std::set<std::pair<NodeId, std::string>> names;
    for (const Shown& shown : all_shown(tree)) {
      RC_ASSERT(is_valid_name(shown.name));
      RC_ASSERT(names.emplace(shown.parent, shown.name).second);
      RC_ASSERT(tree.child(shown.parent, shown.name) == shown);
    }
  }
}

RC_GTEST_PROP(Convergence, NothingIsLostThatNobodyReplacedOrDeletedKnowingIt, ()) {
  History history(*some_steps());
  exchange_all(history.replicas);
  const Tree& tree = history.replicas.front().tree();
  for (const Id& root : history.written) {
    if (!history.gone.contains(root)) RC_ASSERT(shows_content(tree, root));
  }
  for (const NodeId& made : history.directories) {
    if (!history.gone_directories.contains(made)) RC_ASSERT(tree.shown_as(made).has_value());
  }
}

RC_GTEST_PROP(Convergence, WhatIsDeletedInCalmIsGoneEverywhere, ()) {
  const Steps steps = *some_steps();
  History history(steps);
  exchange_all(history.replicas);
  FolderReplica& first = history.replicas.front();
  std::vector<Shown> files;
  for (const Shown& shown : all_shown(first.tree())) {
    if (shown.content.kind == NodeKind::kFile) files.push_back(shown);
  }
  RC_PRE(!files.empty());
  const Shown victim = files[steps.front() % files.size()];
  const auto count = [&](const Tree& tree) {
    const auto all = all_shown(tree);
    return std::count_if(all.begin(), all.end(),
                         [&](const Shown& shown) { return shown.content.same_bytes(victim.content); });
  };
  const auto before = count(first.tree());
  const auto files_of = [](const Tree& tree) {
    const auto all = all_shown(tree);
    return std::count_if(all.begin(), all.end(),
                         [](const Shown& shown) { return shown.content.kind == NodeKind::kFile; });
  };
  first.remove(victim.id);
  exchange_all(history.replicas);
  for (const FolderReplica& replica : history.replicas) {
    RC_ASSERT(count(replica.tree()) == before - 1);
    RC_ASSERT(files_of(replica.tree()) == static_cast<std::ptrdiff_t>(files.size()) - 1);
  }
}

RC_GTEST_PROP(Convergence, AnEditInCalmReplacesOneThingShown, ()) {
  const Steps steps = *some_steps();
  History history(steps);
  exchange_all(history.replicas);
  FolderReplica& first = history.replicas.front();
  std::vector<Shown> files;
  for (const Shown& shown : all_shown(first.tree())) {
    if (shown.content.kind == NodeKind::kFile) files.push_back(shown);
  }
  RC_PRE(!files.empty());
  const Shown victim = files[steps.front() % files.size()];
  const std::size_t shown_before = all_shown(first.tree()).size();
  first.edit(victim.id, file_of(1'000'000));
  exchange_all(history.replicas);
  for (const FolderReplica& replica : history.replicas) {
    RC_ASSERT(all_shown(replica.tree()).size() == shown_before);
    const auto now = replica.tree().shown(victim.id);
    RC_ASSERT(now.has_value());
    RC_ASSERT(now->content == file_of(1'000'000));
  }
}

RC_GTEST_PROP(Convergence, LosingContentsOfOneFileAreKeptOnceEach, ()) {
  History history(*some_steps());
  exchange_all(history.replicas);
  const Tree& tree = history.replicas.front().tree();
  std::set<std::pair<NodeId, Id>> kept;
  for (const NodeId& copy : tree.conflict_copies()) {
    const auto shown = tree.shown(copy);
    RC_ASSERT(shown.has_value());
    const NodeId origin = *tree.shown_as(*tree.conflict_origin(copy));
    RC_ASSERT(kept.emplace(origin, shown->content.root).second);
    RC_ASSERT(!tree.shown(origin)->content.same_bytes(shown->content));
  }
}

RC_GTEST_PROP(Convergence, TheFingerprintIsThatOfTheEntriesFromScratch, ()) {
  History history(*some_steps());
  for (const FolderReplica& replica : history.replicas) {
    Tree again;
    for (const NodeId& id : replica.tree().ids()) {
      if (const Entry* entry = replica.tree().find(id)) again.join(*entry);
    }
    RC_ASSERT(again.fingerprint() == replica.tree().fingerprint());
    const NodeId last{replica_id(0xff), ~std::uint64_t{0}};
    RC_ASSERT(again.range_fingerprint(kRoot, last) == again.fingerprint());
  }
}

RC_GTEST_PROP(Convergence, WhatHasChangedIsToldWithoutAGap, ()) {
  History history(*some_steps());
  Tree tree;
  std::map<NodeId, Shown> shadow;
  for (const Entry& entry : history.replicas.front().joined()) {
    tree.join(entry);
    for (const NodeId& id : tree.take_changed()) {
      shadow.erase(id);
      if (const auto shown = tree.shown(id)) shadow.emplace(id, *shown);
    }
    std::map<NodeId, Shown> now;
    for (const Shown& shown : all_shown(tree)) now.emplace(shown.id, shown);
    RC_ASSERT(shadow == now);
  }
  RC_ASSERT(tree.take_changed().empty());
}

void expect_the_reference(const Tree& tree) {
  std::map<NodeId, Entry> entries;
  for (const NodeId& id : tree.ids()) {
    if (const Entry* entry = tree.find(id)) entries.emplace(id, *entry);
  }
  const ReferenceView expected = reference_view_of(entries);
  std::vector<Shown> shown;
  for (const auto& [id, each] : expected.shown) shown.push_back(each);
  RC_ASSERT(all_shown(tree) == shown);
  for (const auto& [id, entry] : entries) {
    const auto as = expected.shown_as.find(id);
    RC_ASSERT(tree.shown_as(id) ==
              (as == expected.shown_as.end() ? std::nullopt : std::optional(as->second)));
  }
  for (const Shown& each : shown) {
    const auto members = expected.members.find(each.id);
    RC_ASSERT(tree.members(each.id) == (members == expected.members.end() ? Members{} : members->second));
    const auto origin = expected.conflict_origin.find(each.id);
    RC_ASSERT(tree.conflict_origin(each.id) ==
              (origin == expected.conflict_origin.end() ? std::nullopt : std::optional(origin->second)));
  }
  for (const Conflict& conflict : tree.conflicts()) {
    const auto it = tree.shown(conflict.id);
    const auto winner = tree.shown(conflict.winner);
    RC_ASSERT(it.has_value() && winner.has_value());
    RC_ASSERT(it->parent == winner->parent);
  }
}

RC_GTEST_PROP(Convergence, WhatIsShownStepByStepIsWhatAllEntriesAtOnceShow, ()) {
  const Steps steps = *some_steps();
  History history(steps);
  Tree tree;
  std::size_t joined = 0;
  for (const FolderReplica& replica : history.replicas) {
    for (const Entry& entry : replica.joined()) {
      tree.join(entry);
      if (++joined % (1 + steps.size() % 7) == 0) expect_the_reference(tree);
    }
  }
  expect_the_reference(tree);
}

RC_GTEST_PROP(Convergence, EntriesOfAnyHistoryHaveOneFormInBytes, ()) {
  History history(*some_steps());
  for (const FolderReplica& replica : history.replicas) {
    const auto decoded = decode_entries(encode_entries(replica.joined()), replica.joined().size());
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == replica.joined());
  }
}

}  // namespace
}  // namespace shoal::sync
