#include "node/sync/lineage.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "node/secure/keys.h"
#include "node/sync/reader.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kTailBytes = kReplicaIdBytes + 8 + 4 + 4;
constexpr std::size_t kRunBytes = 16;
constexpr std::size_t kTipBytes = 8;

ReplicaId renamed_replica(const ReplicaId& replica, std::uint64_t mark, std::uint64_t fork) {
  constexpr std::string_view kLabel = "shoal fork 1";
  Bytes bytes(kLabel.begin(), kLabel.end());
  append_u64(mark, bytes);
  append_u64(fork, bytes);
  if (mark == Lineage::kUnknownMark) bytes.insert(bytes.end(), replica.bytes.begin(), replica.bytes.end());
  const Id hash = sha256(bytes);
  ReplicaId to;
  std::copy_n(hash.bytes.begin(), kReplicaIdBytes, to.bytes.begin());
  return to;
}

// What is after the fork, under its new name.
Lineage rest_after(const Lineage& lineage, std::uint64_t fork) {
  const auto later = std::ranges::upper_bound(lineage.runs, fork + 1, {}, &Run::start);
  Lineage rest;
  const bool is_known = later != lineage.runs.begin();
  rest.runs.push_back({fork + 1, is_known ? std::prev(later)->mark : Lineage::kUnknownMark});
  rest.runs.insert(rest.runs.end(), later, lineage.runs.end());
  rest.end = std::max(lineage.end, fork);
  return rest;
}

Lineage closed_at(const Lineage& lineage, std::uint64_t fork) {
  Lineage closed;
  closed.runs.assign(lineage.runs.begin(), std::ranges::upper_bound(lineage.runs, fork, {}, &Run::start));
  closed.runs.push_back({fork + 1, Lineage::kClosedMark});
  closed.end = std::min(lineage.end, fork);
  return closed;
}

Result<void> check_runs(const Lineage& lineage) {
  const auto wrong = [] { return fail(ErrorCode::kMalformed, "runs of a replica out of order"); };
  std::uint64_t before = 0;
  for (const Run& run : lineage.runs) {
    if (run.start <= before || run.start > kCounterMax + 1 || run.mark == 0) return wrong();
    if (run.mark == Lineage::kClosedMark && &run != &lineage.runs.back()) return wrong();
    before = run.start;
  }
  if (lineage.runs.empty()) return {};
  const bool ends_before = lineage.end < lineage.runs.back().start;
  if (lineage.end > kCounterMax || ends_before != lineage.is_closed()) return wrong();
  return {};
}

}  // namespace

// ---- Lineage

bool Lineage::has_run(std::uint64_t mark) const {
  return std::ranges::find(runs, mark, &Run::mark) != runs.end();
}

std::uint64_t Lineage::tip() const {
  if (!is_closed()) return runs.empty() ? 0 : runs.back().mark;
  Bytes bytes;
  for (const Run& run : std::span(runs).last(std::min<std::size_t>(2, runs.size()))) {
    append_u64(run.start, bytes);
    append_u64(run.mark, bytes);
  }
  return read_u64(sha256(bytes).view());
}

bool Lineage::goes_beyond(std::uint64_t counter) const {
  return end > counter || (is_closed() && runs.back().start > counter + 1);
}

std::optional<std::uint64_t> fork_of(const Lineage& a, const Lineage& b) {
  const auto [of_a, of_b] = std::ranges::mismatch(a.runs, b.runs);
  if (of_a != a.runs.end() && of_b != b.runs.end()) return std::min(of_a->start, of_b->start) - 1;
  if (of_a == a.runs.end() && of_b == b.runs.end()) return std::nullopt;
  // One has a run more: does the other go on without it?
  const Run& more = of_a == a.runs.end() ? *of_b : *of_a;
  const Lineage& less = of_a == a.runs.end() ? a : b;
  if (less.end < more.start) return std::nullopt;
  return more.start - 1;
}

// ---- Renaming

void Renaming::add(const ReplicaId& replica, std::uint64_t fork, const ReplicaId& to) {
  steps_.push_back({replica, fork, to});
}

Dot Renaming::operator()(Dot dot) const {
  for (const Step& step : steps_) {
    if (dot.replica == step.replica && (dot.counter & ~kConflictBit) > step.fork) dot.replica = step.to;
  }
  return dot;
}

Knowledge Renaming::operator()(const Knowledge& knowledge) const {
  Knowledge now = knowledge;
  for (const Step& step : steps_) {
    const std::uint64_t counter = now.of(step.replica);
    if (counter <= step.fork) continue;
    Knowledge next;
    for (const Dot& dot : now.counters()) {
      next.add(dot.replica, dot.replica == step.replica ? step.fork : dot.counter);
    }
    next.add(step.to, counter);
    now = std::move(next);
  }
  return now;
}

template <class V, class Rename>
Register<V> Renaming::renamed(const Register<V>& reg, Rename rename_value) const {
  std::vector<Version<V>> versions = reg.versions();
  for (Version<V>& version : versions) {
    version.dot = (*this)(version.dot);
    rename_value(version.value);
  }
  return Register<V>::from_parts(std::move(versions), (*this)(reg.context()));
}

Entry Renaming::operator()(const Entry& entry) const {
  Entry now;
  now.id = (*this)(entry.id);
  now.place = renamed(entry.place, [&](Place& place) {
    place.parent = (*this)(place.parent);
    place.previous_parent = (*this)(place.previous_parent);
    place.content = (*this)(place.content);
  });
  now.content = renamed(entry.content, [](Content&) {});
  now.metadata = renamed(entry.metadata, [](Metadata&) {});
  now.deletion = renamed(entry.deletion, [&](Deletion& deletion) { deletion.seen = (*this)(deletion.seen); });
  now.signature = entry.signature;
  return now;
}

DiskEntry Renaming::operator()(DiskEntry entry) const {
  for (Dot* dot : {&entry.id, &entry.parent, &entry.content_dot, &entry.place_dot}) *dot = (*this)(*dot);
  return entry;
}

// ---- Tails: replica 16 | end u64 | first u32 | count of runs u32 | each: start u64, mark u64

std::size_t encoded_bytes(const LineageTail& tail) {
  return kTailBytes + kRunBytes * tail.lineage.runs.size();
}

Bytes encode_tails(const std::vector<LineageTail>& tails) {
  Bytes out;
  for (const LineageTail& tail : tails) {
    append_dot({tail.replica, tail.lineage.end}, out);
    append_u32(static_cast<std::uint32_t>(tail.first), out);
    append_u32(static_cast<std::uint32_t>(tail.lineage.runs.size()), out);
    for (const Run& run : tail.lineage.runs) {
      append_u64(run.start, out);
      append_u64(run.mark, out);
    }
  }
  return out;
}

Result<std::vector<LineageTail>> decode_tails(ByteView bytes) {
  Reader reader(bytes);
  std::vector<LineageTail> tails;
  for (std::size_t left = bytes.size(); left > 0;) {
    LineageTail tail;
    const Dot end = reader.dot();
    tail.replica = end.replica;
    tail.lineage.end = end.counter;
    tail.first = reader.u32();
    const std::size_t count = reader.u32();
    if (reader.overrun() || tail.first > Lineage::kRunsMax || count > Lineage::kRunsMax - tail.first) {
      return fail(ErrorCode::kMalformed, "too many runs of a replica");
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t start = reader.u64();
      tail.lineage.runs.push_back({start, reader.u64()});
    }
    if (reader.overrun()) return fail(ErrorCode::kMalformed, "runs that end too early");
    if (const auto checked = check_runs(tail.lineage); !checked) return tl::unexpected(checked.error());
    if (!tails.empty() && tail.replica <= tails.back().replica) {
      return fail(ErrorCode::kMalformed, "replicas out of order");
    }
    left -= encoded_bytes(tail);
    tails.push_back(std::move(tail));
  }
  return tails;
}

// ---- Lineages

const Lineage& Lineages::find(const ReplicaId& replica) const {
  static const Lineage kNone;
  const auto found = lineages_.find(replica);
  if (found != lineages_.end()) return found->second;
  return base_ == nullptr ? kNone : base_->find(replica);
}

void Lineages::put(const ReplicaId& replica, Lineage lineage) {
  if (find(replica) != lineage) lineages_[replica] = std::move(lineage);
}

void Lineages::take(const Lineages& changes) {
  for (const auto& [replica, lineage] : changes.lineages_) lineages_[replica] = lineage;
}

std::size_t Lineages::closed() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(lineages_, [](const auto& each) { return each.second.is_closed(); }));
}

std::uint64_t Lineages::hash() const {
  Bytes bytes;
  for (const auto& [replica, lineage] : lineages_) {
    if (!lineage.runs.empty()) append_dot({replica, lineage.tip()}, bytes);
  }
  if (bytes.empty()) return 0;
  return std::max<std::uint64_t>(read_u64(sha256(bytes).view()), 1);
}

Bytes Lineages::tips(const Knowledge& knowledge) const {
  Bytes tips;
  for (const Dot& dot : knowledge.counters()) append_u64(find(dot.replica).tip(), tips);
  return tips;
}

LineageTails Lineages::tails(const Knowledge& known, ByteView tips, const ReplicaId& after,
                             std::size_t bytes_max) const {
  std::map<ReplicaId, std::uint64_t> tip_of;
  for (std::size_t i = 0; i < known.counters().size() && (i + 1) * kTipBytes <= tips.size(); ++i) {
    tip_of[known.counters()[i].replica] = read_u64(tips.subspan(i * kTipBytes, kTipBytes));
  }
  LineageTails answer;
  std::size_t bytes = 0;
  for (auto of = lineages_.upper_bound(after); of != lineages_.end(); ++of) {
    const auto& [replica, lineage] = *of;
    if (lineage.runs.empty()) continue;
    const auto theirs = tip_of.find(replica);
    const std::uint64_t tip = theirs == tip_of.end() ? 0 : theirs->second;
    if (tip == lineage.tip() && (lineage.is_closed() || lineage.end <= known.of(replica))) continue;
    LineageTail tail{replica, 0, lineage};
    const auto shared = std::ranges::find(lineage.runs, tip, &Run::mark);
    if (shared != lineage.runs.end()) {
      tail.first = static_cast<std::size_t>(shared - lineage.runs.begin()) + 1;
      tail.lineage.runs.assign(std::next(shared), lineage.runs.end());
    }
    bytes += encoded_bytes(tail);
    if (!answer.tails.empty() && bytes > bytes_max) {
      answer.more = true;
      return answer;
    }
    answer.tails.push_back(std::move(tail));
  }
  return answer;
}

void Lineages::trim(const Knowledge& known) {
  for (auto& [replica, lineage] : lineages_) {
    lineage.end = std::min(lineage.end, known.of(replica));
    if (lineage.is_closed()) continue;
    std::erase_if(lineage.runs, [&](const Run& run) { return run.start > lineage.end; });
  }
}

Result<Lineages::Reconciled> Lineages::reconcile(const std::vector<LineageTail>& tails) {
  Lineages theirs;
  std::set<ReplicaId> to_do;
  for (const LineageTail& tail : tails) {
    const std::vector<Run>& ours = find(tail.replica).runs;
    if (tail.first > ours.size()) return fail(ErrorCode::kMalformed, "runs that follow none of ours");
    Lineage lineage{{ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(tail.first)}, tail.lineage.end};
    lineage.runs.insert(lineage.runs.end(), tail.lineage.runs.begin(), tail.lineage.runs.end());
    if (const auto checked = check_runs(lineage); !checked) return tl::unexpected(checked.error());
    theirs.lineages_[tail.replica] = std::move(lineage);
    to_do.insert(tail.replica);
  }
  Reconciled reconciled;
  while (!to_do.empty()) {
    const ReplicaId replica = *to_do.begin();
    to_do.erase(to_do.begin());
    if (const auto fork = fork_of(find(replica), theirs.find(replica))) {
      if (const auto renamed = close(replica, *fork, reconciled.ours)) to_do.insert(*renamed);
      if (const auto renamed = theirs.close(replica, *fork, reconciled.theirs)) to_do.insert(*renamed);
    }
    Lineage joined = find(replica);
    const Lineage& other = theirs.find(replica);
    if (other.runs.size() > joined.runs.size()) joined.runs = other.runs;
    joined.end = std::max(joined.end, other.end);
    put(replica, std::move(joined));
  }
  return reconciled;
}

std::optional<ReplicaId> Lineages::close(const ReplicaId& replica, std::uint64_t fork, Renaming& renaming) {
  const Lineage before = find(replica);
  put(replica, closed_at(before, fork));
  if (!before.goes_beyond(fork)) return std::nullopt;
  const Lineage rest = rest_after(before, fork);
  const ReplicaId to = renamed_replica(replica, rest.runs.front().mark, fork);
  renaming.add(replica, fork, to);
  if (find(to).runs.size() <= rest.runs.size()) put(to, rest);
  return to;
}

}  // namespace shoal::sync
